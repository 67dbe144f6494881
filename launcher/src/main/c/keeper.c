/*
 * jshim-keeper: holds descriptors for a JVM and is its parent, so that the JVM may die and nobody who is connected to it
 * notices. README.md of this module is the protocol. One thread, one table, one loop that blocks in poll alone.
 */
#include "state.h"
#include "messages.h"

/* ---- processes ---- */

static void read_text(const char *path, char *text, size_t room) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = read(fd, text, room - 1);
    close(fd);
    text[size > 0 ? size : 0] = 0;
}

/* The state of a process or thread (field 3 of its stat) and its start time (field 22); 0 and 0 if there is none. */
static char state_of(long id, long *start) {
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", id);
    read_text(path, text, sizeof text);
    char *at = strrchr(text, ')'), state = at && at[1] == ' ' ? at[2] : 0; /* the name before it may hold anything */
    for (int field = 2; at && field < 22; field++) at = strchr(at + 1, ' ');
    *start = at ? atol(at) : 0;
    return state;
}

/* Whether a thread of the JVM runs, wants to, or waits for a disk: then it is slow, and no more is known. */
static bool is_busy(void) {
    char path[64], state = 0;
    long start;
    snprintf(path, sizeof path, "/proc/%ld/task", k.pid);
    DIR *threads = opendir(path);
    for (struct dirent *thread; threads && state != 'R' && state != 'D' && (thread = readdir(threads));)
        state = state_of(atol(thread->d_name), &start);
    return !threads || closedir(threads) != 0 || state == 'R' || state == 'D';
}

/* An adopted JVM is another's child, and its pid may mean another process by now. */
static void signal_jvm(int signal) {
    long start;
    if (state_of(k.pid, &start) && start == k.start) kill((pid_t)k.pid, signal);
}

static void kill_jvm(const char *why) {
    say("error", k.pid, "%s: killing it", why);
    k.killed = true;
    signal_jvm(SIGKILL);
}

/* ---- files for others ---- */

/* Whoever reads the file finds the old text or the new. */
static void write_file(const char *path, const char *text) {
    char new[PATH_MAX + 8];
    if (!path[0]) return;
    snprintf(new, sizeof new, "%s.new", path);
    int fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool good = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    if (!good || rename(new, path) != 0) say("error", getpid(), "cannot write %s: %s", path, strerror(errno));
}

/* Removes it if the first number in it is our pid: another keeper may have written it since. */
static void remove_file(const char *path) {
    char text[64];
    read_text(path, text, sizeof text);
    if (atol(text + strcspn(text, "123456789")) == getpid()) unlink(path);
}

/* Only once a JVM serves: one that does not may be that of a second keeper, and the files those of the first. */
static void write_files(void) {
    char text[256];
    long start;
    k.changed = false;
    if (!k.served_once) return;
    state_of(getpid(), &start);
    snprintf(text, sizeof text, "keeper %d %ld\nprocess %ld %ld\nstate %s\nrestarts %ld\nlast %s\nat %ld\n%s", getpid(), start,
             k.pid, k.start, !k.pid ? "waiting" : k.serving ? "serving" : "starting", k.restarts, k.last, k.last_at,
             k.next_failed ? "failed next\n" : "");
    write_file(k.status, text);
    snprintf(text, sizeof text, "%d\n", getpid());
    write_file(k.pidfile, text);
}

static _Noreturn void finish(int code) {
    remove_file(k.status);
    remove_file(k.pidfile);
    exit(code);
}

/* ---- the JVM's life ---- */

/* What is held is open over an exec, for a keeper that replaces itself: here it has to be closed. */
static _Noreturn void become_command(struct command *command, int socket, pid_t keeper) {
    static char *arguments[COMMAND + 1];
    static const sigset_t none;
    size_t count = 0;
    if (k.bound && (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != keeper)) _exit(1);
    for (int number = 1; number <= 64; number++) signal(number, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (long i = 0; i < k.count; i++) close(k.table[i].fd);
    dup2(socket, 4);
    setrlimit(RLIMIT_NOFILE, &k.files);
    for (char *at = command->bytes; at < command->bytes + command->size; at += strlen(at) + 1) arguments[count++] = at;
    execv(arguments[0], arguments);
    fail(127, "cannot run", arguments[0]);
}

static void start(void) {
    struct command *command = k.trying ? &k.next : &k.command;
    int pair[2] = {-1, -1};
    pid_t keeper = getpid(), pid = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0 ? fork() : -1;
    if (pid == 0) become_command(command, pair[1], keeper);
    close(pair[1]);
    if (pid < 0) {
        say("error", keeper, "cannot start %s", command->bytes);
        close(pair[0]);
        if (!k.served_once) finish(1);
        k.start_at = now() + k.second;
        return;
    }
    dup2(0, 3); /* the pipe for the answer is the first JVM's alone */
    k.pid = pid;
    state_of(pid, &k.start);
    k.socket = pair[0];
    fcntl(pair[0], F_SETFD, 0);
    k.adopted = k.begun = k.serving = k.ending = k.killed = k.silent = k.told = 0;
    k.starts++;
    for (long i = 0; i < k.count; i++) k.table[i].given = false;
    k.changed = true;
    say("info", pid, "started %s", command->bytes);
}

/* The JVM is no more; status is 0 if it was adopted, for only a parent gets it. */
static void ended(int status) {
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
    while (receive()) continue; /* what it had sent counts */
    close((int)k.socket);
    k.socket = -1;
    snprintf(k.last, sizeof k.last, WIFEXITED(status) ? "exit %d" : "signal %d", code);
    if (k.killed || k.adopted) snprintf(k.last, sizeof k.last, "%s", k.killed ? "hang" : "-");
    k.last_at = time(NULL);
    say(k.ending ? "info" : "warning", k.pid, "ended: %s", k.last);
    if (k.ending || k.stopping) finish(k.ending ? 0 : 128 + SIGTERM);
    if (!k.served_once) finish(WIFEXITED(status) ? code : 128 + code);
    bool planned = k.next.size && !k.trying && status == 0, lasted = k.serving && now() - k.serving_since >= SOON * k.second;
    if (k.trying) {
        say("warning", k.pid, "the new command does not serve: going back to %s", k.command.bytes);
        k.next.size = 0;
        k.next_failed = true;
    }
    k.trying = k.next.size > 0;
    k.restarts += !planned;
    k.quick = lasted || planned ? 0 : k.quick + 1;
    k.pid = k.start = 0;
    long tenths = k.quick < 3 ? 0 : k.quick > 7 ? 30 : 1L << (k.quick - 3); /* of a second */
    k.start_at = now() + tenths * k.second / 10;
    if (tenths) say("warning", getpid(), "died %ld times in a row: waiting %ld.%ld s", k.quick, tenths / 10, tenths % 10);
    k.changed = true;
}

static void tick(void) {
    bool in_time = now() - k.tick_at <= k.second; /* else the machine was suspended, or we ourselves did not run */
    long start;
    k.tick_at = now() + k.second;
    for (long i = 0; i < k.count; i++) k.table[i].rests = false;
    if (!k.pid) return;
    char state = state_of(k.pid, &start);
    if (k.stopping > 1 && --k.stopping == 1) kill_jvm("does not stop");
    if (!in_time || k.killed || state == 't') return; /* t: somebody looks at it with a debugger */
    k.silent++;
    if (k.serving && k.silent % 2 == 0) tell(-1, "ping");
    if (k.serving && k.silent >= ANSWER && (k.silent >= ANSWER_IF_BUSY || !is_busy())) kill_jvm("does not answer");
    if (!k.serving && k.silent >= (k.trying ? SERVE_NEXT : SERVE)) kill_jvm("does not come up");
}

/* The JVM's end is seen by its pid, behind whomever the kernel would name first. The others are for the JVM, or reaped. */
static void look_at_children(void) {
    int status;
    if (k.pid && k.adopted && k.socket < 0) ended(0);
    for (pid_t pid; (k.pid || !k.exits) && (pid = waitpid(k.exits ? (pid_t)k.pid : -1, &status, WNOHANG)) > 0;)
        if (pid == k.pid) ended(status);
}

static void read_signal(void) {
    struct signalfd_siginfo info;
    if (read(k.signals, &info, sizeof info) != sizeof info) return;
    if (info.ssi_signo == SIGUSR1 && k.bound && k.serving) signal_jvm(SIGUSR1);
    if (k.stopping || (info.ssi_signo != SIGTERM && info.ssi_signo != SIGINT)) return;
    if (!k.pid) finish(128 + SIGTERM);
    signal_jvm(SIGTERM);
    k.stopping = STOP + 1;
}

/* All come by descriptor; those that read_signal does not name do nothing. */
static void set_up_signals(void) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    signal(SIGCHLD, SIG_DFL); /* ignored, it would leave us without exit codes */
    k.signals = signalfd(-1, &all, SFD_NONBLOCK | SFD_CLOEXEC);
    if (k.signals < 0) fail(1, "cannot wait for", "signals");
}

/* ---- a keeper that replaces itself ---- */

static void replace(void) {
    char number[16];
    size_t size = offsetof(struct keeper, table) + (size_t)k.count * sizeof k.table[0];
    int fd = (int)syscall(SYS_memfd_create, "jshim-keeper", 0);
    snprintf(number, sizeof number, "%d", fd);
    ssize_t path = readlink("/proc/self/exe", k.writer, sizeof k.writer - 1);
    k.writer[path > 0 ? path : 0] = 0;
    if (write(fd, &k, size) == (ssize_t)size) execl(k.replacement, k.replacement, "-r", number, (char *)NULL);
    say("error", getpid(), "cannot be replaced by %s: %s", k.replacement, strerror(errno));
    close(fd);
    k.replacement[0] = 0;
}

/* Goes on as the keeper that wrote the state. If it cannot, that one goes on: nothing was changed before that. */
static void resume(const char *number) {
    int fd = atoi(number);
    ssize_t size = pread(fd, &k, offsetof(struct keeper, signals), 0) - (ssize_t)offsetof(struct keeper, table);
    if (size < 0 || k.format != FORMAT || size != k.count * (ssize_t)sizeof k.table[0]) {
        k.writer[sizeof k.writer - 1] = 0;
        say("error", getpid(), "cannot read the state, and goes back to %s", k.writer);
        execl(k.writer, k.writer, "-r", number, (char *)NULL);
        fail(1, "cannot run", k.writer);
    }
    close(fd);
    k.changed = true; /* by what came right before the order to be replaced */
    say("info", getpid(), "replaced, now version %s", VERSION);
}

/* ---- the beginning ---- */

static _Noreturn void refuse(const char *why) {
    dprintf(2, "jshim-keeper: %s; usage: jshim-keeper [-k] [-a PID] [-s STATUS] [-p PIDFILE] -- COMMAND [ARG...]\n", why);
    exit(2);
}

/* Afterwards 0 to 4 are open, and none above (which Linux before 5.9 leaves to whoever starts us). */
static void set_up_descriptors(void) {
    int null;
    syscall(SYS_close_range, FIRST, ~0U, 0);
    while ((null = open("/dev/null", O_RDWR)) < FIRST)
        if (null < 0) fail(1, "cannot open", "/dev/null");
    if (k.adopted) k.socket = dup(4);
    dup2(null, 0);
    dup2(null, 1);
    dup2(null, 4);
    close(null);
}

static void raise_limit(void) {
    getrlimit(RLIMIT_NOFILE, &k.files);
    struct rlimit all = {k.files.rlim_max, k.files.rlim_max};
    setrlimit(RLIMIT_NOFILE, &all);
    k.room = (all.rlim_max > HELD ? HELD : (long)all.rlim_max) - RESERVE;
}

static void begin(char **arguments, int count) {
    if (count == 0 || arguments[0][0] != '/') refuse("COMMAND must be an absolute path");
    char *last = arguments[count - 1]; /* the arguments of a process are one block */
    k.command.size = (size_t)(last + strlen(last) + 1 - arguments[0]);
    if (k.command.size > COMMAND) refuse("COMMAND is longer than 32 KiB");
    memcpy(k.command.bytes, arguments[0], k.command.size);
    set_up_descriptors();
    setenv("JSHIM_KEEPER", "4", 1);
    if (chdir("/") != 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) fail(1, "cannot become", "a subreaper");
    if (!k.adopted) return;
    state_of(k.pid, &k.start);
    k.starts = k.begun = k.serving = k.served_once = k.changed = true;
    k.serving_since = now();
    say("info", k.pid, "adopted");
}

static _Noreturn void run(void) {
    static struct pollfd all[2 + HELD];
    for (k.tick_at = now() + k.second;;) {
        look_at_children();
        if (k.changed) write_files();
        if (!k.pid && now() >= k.start_at) {
            start();
            continue;
        }
        give();
        long due = !k.pid && k.start_at < k.tick_at ? k.start_at : k.tick_at, left = due - now(), count = k.count;
        all[0] = (struct pollfd){.fd = k.signals, .events = POLLIN};
        all[1] = (struct pollfd){.fd = (int)k.socket, .events = k.full ? POLLIN | POLLOUT : POLLIN};
        for (struct held *held = k.table; held < k.table + count; held++)
            all[2 + held - k.table] =
                (struct pollfd){.fd = held->listens && !held->rests ? held->fd : -1, .events = POLLIN};
        poll(all, (nfds_t)count + 2, left < 0 ? 0 : (int)left + 1);
        if (all[0].revents) read_signal();
        bool hears = all[1].revents & ~POLLOUT;
        for (long i = 0; i < count && !hears; i++)
            if (all[2 + i].revents) take_connection(&k.table[i]);
        for (int i = 0; i < 1000 && hears && !k.replacement[0]; i++) hears = receive(); /* that may move the table */
        if (now() >= k.tick_at) tick();
        if (k.replacement[0]) replace();
    }
}

int main(int count, char **arguments) {
    const char *state = NULL, *second = getenv("JSHIM_KEEPER_SECOND");
    k.format = FORMAT;
    k.socket = -1;
    k.second = second && atol(second) > 0 ? atol(second) : 1000;
    strcpy(k.last, "-");
    raise_limit();
    opterr = 0;
    for (int option; (option = getopt(count, arguments, "+s:p:a:r:bkv")) != -1;) {
        if (option == 'v') return puts("jshim-keeper " VERSION) < 0;
        if (option == 'r') state = optarg; /* with -b from a keeper of format 1, which goes back */
        if (option == 'k') k.bound = true;
        if (option == 'a') k.pid = k.adopted = atol(optarg);
        if ((option == 's' && !set_path(k.status, optarg)) || (option == 'p' && !set_path(k.pidfile, optarg)))
            refuse("STATUS and PIDFILE must be absolute paths");
        if (option == '?' || (option == 'a' && (k.pid < 1 || fcntl(4, F_GETFD) < 0)))
            refuse("an option is unknown, or its argument is missing or wrong");
    }
    if (state) resume(state);
    else begin(arguments + optind, count - optind);
    set_up_signals();
    run();
}
