/*
 * jshim-keeper: holds descriptors for a JVM and is its parent, so that the JVM may die and nobody who is connected to it
 * notices. README.md of this module is the protocol. One thread, one table, one loop that blocks in epoll_wait alone.
 */
#include "state.h"

/* ---- processes ---- */

/* The state of a process or thread (field 3 of its stat) and its start time (field 22); 0 and 0 if there is none. */
static char read_stat(const char *path, long *start) {
    char text[1024];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = read(fd, text, sizeof text - 1);
    close(fd);
    text[size > 0 ? size : 0] = 0;
    char *at = strrchr(text, ')'), state = at && at[1] == ' ' ? at[2] : 0; /* the name before it may hold anything */
    for (int field = 2; at && field < 22; field++) at = strchr(at + 1, ' ');
    *start = at ? atol(at) : 0;
    return state;
}

static char state_of(long pid, long *start) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    return read_stat(path, start);
}

/* Whether a thread of the JVM runs, wants to, or waits for a disk: then it is slow, and no more is known. */
static bool is_busy(void) {
    char path[80];
    long start;
    bool busy = false;
    snprintf(path, sizeof path, "/proc/%ld/task", k.pid);
    DIR *threads = opendir(path);
    for (struct dirent *entry; threads && !busy && (entry = readdir(threads));) {
        snprintf(path, sizeof path, "/proc/%ld/task/%.20s/stat", k.pid, entry->d_name);
        char state = read_stat(path, &start);
        busy = state == 'R' || state == 'D';
    }
    return !threads || closedir(threads) != 0 || busy;
}

/* An adopted JVM is another's child: its pid may mean another process by now. Z alone may mean its first thread. */
static bool is_gone(void) {
    struct pollfd end = {.fd = k.pidfd, .events = POLLIN};
    long start;
    char state = state_of(k.pid, &start);
    return k.adopted && (!state || start != k.start || (k.pidfd < 0 ? state == 'Z' : poll(&end, 1, 0) == 1));
}

static void signal_jvm(int signal) {
    if (!is_gone()) kill((pid_t)k.pid, signal);
}

/* ---- files for others ---- */

/* Whoever reads the file finds the old text or the new. */
static void write_file(const char *path, const char *text) {
    char new[PATH_MAX + 8];
    snprintf(new, sizeof new, "%s.new", path);
    int fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool good = fchmod(fd, 0600) == 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    if (!good || rename(new, path) != 0) say("error", getpid(), "cannot write %s: %s", path, strerror(errno));
}

/* An open descriptor of what may be started again shows those who remove unused trees that these are in use. */
static void pin_commands(void) {
    const char *const paths[] = {k.command.bytes, k.before.size ? k.before.bytes : "", k.next.size ? k.next.bytes : ""};
    for (int i = 0; i < 3; i++) {
        close(k.pins[i]);
        k.pins[i] = open(paths[i], O_PATH | O_CLOEXEC);
    }
}

static void write_status(void) {
    static const char *const last[] = {"-", "exit ", "signal ", "hang"};
    char text[512], code[24] = "";
    long start;
    k.changed = false;
    pin_commands();
    state_of(getpid(), &start);
    if (k.last_how == EXIT || k.last_how == SIGNAL) snprintf(code, sizeof code, "%ld", k.last_code);
    snprintf(text, sizeof text, "keeper %d %ld\nprocess %ld %ld\nstate %s\nrestarts %ld\nlast %s%s\nat %ld\n%s", getpid(),
             start, k.pid, k.start, !k.pid ? "waiting" : k.serving ? "serving" : "starting", k.restarts, last[k.last_how],
             code, k.last_at, k.next_failed ? "failed next\n" : "");
    if (k.status[0]) write_file(k.status, text);
}

static _Noreturn void finish(int code) {
    if (k.status[0]) unlink(k.status);
    if (k.pidfile[0]) unlink(k.pidfile);
    exit(code);
}

#include "messages.h"

/* ---- the JVM's life ---- */

static _Noreturn void become_command(int socket, pid_t keeper) {
    if (k.bound && (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != keeper)) _exit(1);
    static const char defaults[64]; /* the kernel's struct sigaction; libc's call refuses some of the signals */
    for (int number = 1; number <= 64; number++) syscall(SYS_rt_sigaction, number, defaults, NULL, 8);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    dup2(socket, 4);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = (rlim_t)k.files;
    setrlimit(RLIMIT_NOFILE, &limit);
    static char *arguments[COMMAND + 1];
    size_t count = 0;
    for (char *at = k.command.bytes; at < k.command.bytes + k.command.size; at += strlen(at) + 1) arguments[count++] = at;
    execv(arguments[0], arguments);
    fail(127, "cannot run", arguments[0]);
}

/* With credentials, see receive. */
static void use_socket(int socket) {
    int yes = 1;
    k.socket = socket;
    setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes);
    watch(socket, EPOLLIN);
}

static void started(pid_t pid, int socket) {
    dup2(0, 3); /* the pipe for the answer is the first JVM's alone */
    k.pid = pid;
    state_of(pid, &k.start);
    k.adopted = k.begun = k.serving = k.ending = k.killed = k.silent = k.unanswered = k.told = 0;
    k.starts++;
    for (long i = 0; i < k.count; i++) k.table[i].given = false;
    use_socket(socket);
    say("info", pid, "started %s", k.command.bytes);
    k.changed = true;
    give();
}

static void start(void) {
    int pair[2] = {-1, -1};
    pid_t keeper = getpid(), pid = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0 ? fork() : -1;
    if (pid == 0) become_command(pair[1], keeper);
    close(pair[1]);
    if (pid > 0) return started(pid, pair[0]);
    say("error", getpid(), "cannot start %s", k.command.bytes);
    close(pair[0]);
    if (!k.served_once) finish(1);
    k.start_at = now() + k.second;
}

static void note_end(int status) {
    k.last_code = status == -1 ? 0 : WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
    k.last_how = k.killed ? HANG : status == -1 ? UNKNOWN : WIFEXITED(status) ? EXIT : SIGNAL;
    k.last_at = time(NULL);
    say(k.ending ? "info" : "warning", k.pid, "ended%s: %s %ld", k.killed ? " after a hang" : "",
        status == -1 ? "unknown code" : WIFEXITED(status) ? "exit" : "signal", k.last_code);
}

/* Sets the command that is started next. True if the JVM's end was a step of its own plan, for all that is known. */
static bool choose_command(bool exited_well) {
    if (k.before.size && !k.serving) {
        say("warning", k.pid, "the new command does not serve: going back to %s", k.before.bytes);
        set(&k.command, k.before.bytes, k.before.size);
        k.before.size = k.next.size = 0;
        k.next_failed = true;
        return false;
    }
    if (!k.next.size) return false;
    say("info", k.pid, "the command is now %s", k.next.bytes);
    set(&k.before, k.command.bytes, k.command.size);
    set(&k.command, k.next.bytes, k.next.size);
    k.next.size = 0;
    return exited_well;
}

/* The JVM is no more; status is -1 if it was not our child. */
static void ended(int status) {
    while (receive()) continue; /* what it had sent counts */
    unwatch((int)k.socket);
    close((int)k.socket);
    close(k.pidfd);
    k.socket = k.pidfd = -1;
    note_end(status);
    if (k.ending || k.stopping) finish(k.ending ? 0 : 128 + SIGTERM);
    if (!k.served_once) finish((int)k.last_code + (WIFEXITED(status) ? 0 : 128));
    bool planned = choose_command(status <= 0), lasted = k.serving && now() - k.serving_since >= SOON * k.second;
    k.restarts += !planned;
    k.quick = lasted || planned ? 0 : k.quick + 1;
    k.pid = k.start = 0;
    long tenths = k.quick < 3 ? 0 : k.quick > 11 ? 300 : 1L << (k.quick - 3); /* of a second */
    k.start_at = now() + tenths * k.second / 10;
    if (tenths) say("warning", getpid(), "died %ld times in a row: waiting %ld.%ld s", k.quick, tenths / 10, tenths % 10);
    k.changed = true;
}

static void kill_hung(const char *why) {
    say("error", k.pid, "%s: killing it", why);
    k.killed = true;
    signal_jvm(SIGKILL);
}

static void check_heartbeat(void) {
    if (!k.serving) {
        if (++k.silent >= (k.before.size ? SERVE_NEXT : SERVE)) kill_hung("does not come up");
    } else if (k.unanswered && ++k.silent >= ANSWER && (k.silent >= ANSWER_IF_BUSY || !is_busy())) {
        kill_hung("does not answer");
    } else if (++k.ticks % 2 == 0) {
        k.unanswered++;
        tell(-1, "ping %ld", ++k.pings);
    }
}

static void tick(void) {
    bool in_time = now() - k.tick_at <= k.second; /* else the machine was suspended, or we ourselves did not run */
    k.tick_at = now() + k.second;
    for (long i = 0; i < k.count; i++)
        if (k.table[i].listens) watch(k.table[i].fd, EPOLLIN);
    if (k.pid && is_gone()) ended(-1);
    if (!k.pid) return;
    for (int i = 0; i < 1000 && receive(); i++) continue; /* an answer may be here already */
    give();
    if (k.stopping && --k.stopping == 0) {
        say("warning", k.pid, "does not stop: killing it");
        k.stopping = STOP;
        signal_jvm(SIGKILL);
    }
    long start;
    char state = state_of(k.pid, &start);
    if (in_time && !k.killed && state != 'T' && state != 't') check_heartbeat();
}

static void stop(void) {
    if (!k.pid) finish(128 + SIGTERM);
    if (k.stopping) return;
    signal_jvm(SIGTERM);
    k.stopping = STOP;
}

/* The JVM's end is seen by its pid, behind whomever the kernel would name first. The others are for the JVM, or reaped. */
static void look_at_children(void) {
    int status;
    if (k.exits && k.pid && !k.adopted && waitpid((pid_t)k.pid, &status, WNOHANG) > 0) ended(status);
    for (pid_t pid; !k.exits && (pid = waitpid(-1, &status, WNOHANG)) > 0;)
        if (pid == k.pid && !k.adopted) ended(status);
    give();
}

static void read_signals(void) {
    struct signalfd_siginfo info;
    while (read(k.signals, &info, sizeof info) == sizeof info)
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) stop();
    look_at_children();
}

/* All signals come by descriptor; those that read_signals does not name do nothing. */
static void set_up_loop(void) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    signal(SIGCHLD, SIG_DFL); /* ignored, it would leave us without exit codes */
    k.signals = signalfd(-1, &all, SFD_NONBLOCK | SFD_CLOEXEC);
    k.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (k.signals < 0 || k.epoll < 0) fail(1, "cannot wait for", "signals");
    watch(k.signals, EPOLLIN);
}

/* ---- a keeper that replaces itself ---- */

static void keep_on_exec(bool keep) {
    for (long i = 0; i < k.count; i++) fcntl(k.table[i].fd, F_SETFD, keep ? 0 : FD_CLOEXEC);
    if (k.socket >= 0) fcntl((int)k.socket, F_SETFD, keep ? 0 : FD_CLOEXEC);
}

static void replace(void) {
    char number[16];
    size_t size = offsetof(struct keeper, table) + (size_t)k.count * sizeof k.table[0];
    int fd = (int)syscall(SYS_memfd_create, "jshim-keeper", 0);
    snprintf(number, sizeof number, "%d", fd);
    ssize_t path = readlink("/proc/self/exe", k.writer, sizeof k.writer - 1);
    k.writer[path > 0 ? path : 0] = 0;
    if (write(fd, &k, size) == (ssize_t)size) {
        keep_on_exec(true);
        execl(k.replacement, k.replacement, "-r", number, (char *)NULL);
    }
    say("error", getpid(), "cannot be replaced by %s: %s", k.replacement, strerror(errno));
    keep_on_exec(false);
    close(fd);
    k.replacement[0] = 0;
}

static bool is_open(long fd) {
    return fd >= FIRST && fd <= INT_MAX && fcntl((int)fd, F_GETFD) >= 0;
}

static bool is_command(const struct command *command) {
    return command->size <= COMMAND && (command->size == 0 || !command->bytes[command->size - 1]);
}

/* Whether the state, of which so many bytes were read, is one that we can go on with. */
static bool is_sound(ssize_t size) {
    bool good = size >= (ssize_t)offsetof(struct keeper, table) && k.format == FORMAT && k.count >= 0 && k.count <= HELD &&
                size == (ssize_t)offsetof(struct keeper, table) + k.count * (ssize_t)sizeof k.table[0] &&
                !k.status[PATH_MAX - 1] && !k.pidfile[PATH_MAX - 1] && k.command.size && is_command(&k.command) &&
                is_command(&k.before) && is_command(&k.next) && k.last_how >= UNKNOWN && k.last_how <= HANG &&
                (k.socket < 0 || is_open(k.socket));
    for (struct held *held = k.table; good && held < k.table + k.count; held++)
        good = is_open(held->fd) && !held->name[NAME] && is_name(held->name, NAME);
    return good;
}

/* Goes on as the keeper that wrote the state. If it cannot, that one goes on: nothing was changed before that. */
static void resume(const char *number, bool back) {
    int fd = atoi(number);
    if (!is_sound(pread(fd, &k, offsetof(struct keeper, epoll), 0))) {
        k.writer[sizeof k.writer - 1] = 0;
        if (!back) execl(k.writer, k.writer, "-r", number, "-b", (char *)NULL);
        fail(1, "cannot read the state, and cannot go back to", k.writer);
    }
    close(fd);
    keep_on_exec(false);
    set_up_loop();
    for (long i = 0; i < k.count; i++)
        if (k.table[i].listens) watch(k.table[i].fd, EPOLLIN);
    if (k.socket >= 0) use_socket((int)k.socket);
    if (back) say("error", getpid(), "the new keeper did not understand the state: the old one goes on");
    else say("info", getpid(), "replaced, now version %s", VERSION);
}

/* ---- the beginning ---- */

/* Afterwards 0 to 4 are open, and none above but the one that is returned: what was 4. */
static int set_up_descriptors(bool adopting) {
    if (syscall(SYS_close_range, FIRST, ~0U, 0) != 0)
        for (int fd = FIRST; fd < MESSAGE; fd++) close(fd); /* before Linux 5.9; nobody hands down higher ones */
    int null, socket = adopting ? fcntl(4, F_DUPFD_CLOEXEC, FIRST) : -1;
    while ((null = open("/dev/null", O_RDWR)) < FIRST)
        if (null < 0) fail(1, "cannot open", "/dev/null");
    for (int fd = 0; fd < FIRST; fd++)
        if (fd < 2 || fd == 4 || (fd == 3 && adopting)) dup2(null, fd);
    close(null);
    return socket;
}

static void raise_limit(void) {
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    k.files = (long)limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    k.room = (limit.rlim_max > HELD ? HELD : (long)limit.rlim_max) - RESERVE;
}

static _Noreturn void refuse(const char *why) {
    dprintf(2, "jshim-keeper: %s; usage: jshim-keeper [-k] [-a PID] [-s STATUS] [-p PIDFILE] -- COMMAND [ARG...]\n", why);
    exit(2);
}

static void adopt(long pid, int socket) {
    k.pid = pid;
    state_of(pid, &k.start);
    k.starts = k.adopted = k.begun = k.serving = k.served_once = 1;
    k.serving_since = now();
    use_socket(socket);
    say("info", pid, "adopted");
}

static void begin(char **arguments, int count, long adopted) {
    int type = 0;
    socklen_t length = sizeof type;
    if (count == 0 || arguments[0][0] != '/') refuse("COMMAND must be an absolute path");
    if (adopted && (getsockopt(4, SOL_SOCKET, SO_TYPE, &type, &length) != 0 || type != SOCK_SEQPACKET))
        refuse("-a needs a socket for messages as descriptor 4");
    char *last = arguments[count - 1]; /* the arguments of a process are one block */
    size_t size = (size_t)(last + strlen(last) + 1 - arguments[0]);
    if (size > COMMAND) refuse("COMMAND is longer than 32 KiB");
    set(&k.command, arguments[0], size);
    int socket = set_up_descriptors(adopted);
    set_up_loop();
    setenv("JSHIM_KEEPER", "4", 1);
    if (chdir("/") != 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) fail(1, "cannot become", "a subreaper");
    char text[16];
    snprintf(text, sizeof text, "%d\n", getpid());
    if (k.pidfile[0]) write_file(k.pidfile, text);
    if (adopted) adopt(adopted, socket);
}

/* One event: what it does may close the descriptor of another. */
static void handle(struct epoll_event event) {
    int fd = event.data.fd;
    if (fd == k.signals) read_signals();
    else if (fd == k.pidfd && is_gone()) ended(-1);
    else if (fd == k.socket && (event.events & EPOLLOUT)) give();
    if (fd == k.socket && (event.events & ~(uint32_t)EPOLLOUT)) receive();
    for (long i = 0; i < k.count; i++)
        if (k.table[i].fd == fd && k.table[i].listens) return take_connection(&k.table[i]);
}

static _Noreturn void run(void) {
    k.pidfd = k.adopted ? (int)syscall(SYS_pidfd_open, k.pid, 0) : -1; /* before Linux 5.3 each tick looks */
    if (k.pidfd >= 0) watch(k.pidfd, EPOLLIN);
    read_signals(); /* children may have ended while a keeper became another */
    if (k.pid) k.changed = true;
    for (k.tick_at = now() + k.second;;) {
        if (k.changed) write_status();
        if (!k.pid && now() >= k.start_at) {
            start();
            continue;
        }
        long due = !k.pid && k.start_at < k.tick_at ? k.start_at : k.tick_at, left = due - now();
        struct epoll_event event;
        if (epoll_wait(k.epoll, &event, 1, left < 0 ? 0 : (int)left + 1) == 1) handle(event);
        if (now() >= k.tick_at) tick();
        if (k.replacement[0]) replace();
    }
}

int main(int count, char **arguments) {
    const char *state = NULL, *second = getenv("JSHIM_KEEPER_SECOND");
    long adopted = 0;
    bool back = false;
    k.format = FORMAT;
    k.socket = k.pidfd = k.pins[0] = k.pins[1] = k.pins[2] = -1;
    k.second = second && atol(second) > 0 ? atol(second) : 1000;
    raise_limit();
    opterr = 0;
    for (int option; (option = getopt(count, arguments, "+s:p:a:r:kbv")) != -1;) {
        if (option == 'v') return puts("jshim-keeper " VERSION) < 0;
        if (option == 'r') state = optarg;
        if (option == 'b') back = true;
        if (option == 'k') k.bound = true;
        if ((option == 's' && !set_path(k.status, optarg)) || (option == 'p' && !set_path(k.pidfile, optarg)))
            refuse("STATUS and PIDFILE must be absolute paths");
        if (option == '?' || (option == 'a' && (adopted = atol(optarg)) < 1))
            refuse("an option is unknown, or its argument is missing or wrong");
    }
    if (state) resume(state, back);
    else begin(arguments + optind, count - optind, adopted);
    run();
}
