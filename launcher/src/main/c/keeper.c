/*
 * jshim-keeper: holds descriptors for a JVM and is its parent, so that the JVM may die and nobody who is connected to it
 * notices. README.md of this module is the protocol. One thread, one table, one loop that blocks in poll alone.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef FORMAT
#define FORMAT 3 /* of struct keeper: another number whenever that changes */
#endif

enum {
    MESSAGE = 65536, /* bytes of the longest message */
    WORDS = 32768,   /* bytes of the longest command */
    NAME = 400,      /* bytes of the longest name */
    SERIAL = 21,     /* bytes of "#N", for which a listener's name leaves room */
    HELD = 16384,    /* the most descriptors; pages of the table that nobody used take no memory */
    RESERVE = 64,    /* those that accepting leaves for what the JVM keeps */
    FIRST = 5,       /* lower descriptors mean something in the JVM: they are open, so that none of ours gets them */
};
enum { SOON = 1, ANSWER = 10, ANSWER_IF_BUSY = 60, SERVE_NEXT = 30, SERVE = 120, STOP = 20 }; /* seconds */

struct words { /* an absolute path, and arguments if it is a command, each with its NUL; size 0: none */
    size_t size;
    char bytes[WORDS];
};

struct held {
    int fd;
    bool listens, given; /* given: the present JVM has it */
    long rests;          /* until this tick it is not accepted on */
    char name[NAME + 1];
};

struct jvm { /* without one all is 0, but for the socket */
    long socket, pid, start;     /* our end of the pair, -1 if its own is closed; field 22 of its stat */
    long begun, serving, ending; /* said by us; by it, and when; by it */
    long adopted, silent;        /* it is no child of ours; for so many seconds, as far as they count */
    long killed, told;           /* it was silent for too long; the child whose end it was told last */
};

/* All that it has. What comes before signals is carried over, as it is, when it replaces itself; the first two stay as
   they are in every version. */
static struct keeper {
    long format;
    char writer[PATH_MAX]; /* the program to go back to */
    struct rlimit files;   /* RLIMIT_NOFILE as we found it */
    struct jvm jvm;
    long bound, exits, stopping;        /* each JVM dies with us; is told of ends; is to end, as we are */
    long starts, served, restarts;      /* starts; whether any JVM has served; deaths without plan */
    long quick, start_at, last_at;      /* deaths in a row; when the next start is due; when the last death was */
    char last[24];                      /* how that was */
    struct words status, command, next; /* next: said by a JVM that serves, so one that does not yet is on trial */
    long next_failed, serial, count;    /* the last next was taken back; connections accepted; what is held */
    struct held table[HELD];

    int signals;
    bool full, changed;         /* the JVM's queue is full; STATUS is to be written */
    long second, tick_at, room; /* milliseconds, fewer in tests; when the next tick is due; how much the table may hold */
    struct words replacement;   /* what to become */
    char message[MESSAGE + 1];
} k;

/* Milliseconds of the clock that only goes forward, and stands while the machine is suspended. */
static long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* A line of log. Whoever reads the log may have stopped to: then the line is dropped, for the keeper never waits. */
__attribute__((format(printf, 3, 4))) static void say(const char *level, long pid, const char *format, ...) {
    char text[600], when[32], line[700];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == '"' || *c == '\\' || *c == 127) *c = '?';
    time_t seconds = time(NULL);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime(&seconds));
    int size = snprintf(line, sizeof line, "time=%s level=%s msg=\"%s\" pid=%ld\n", when, level, text, pid);
    struct pollfd log = {.fd = 2, .events = POLLOUT};
    if (poll(&log, 1, 0) == 1 && (log.revents & POLLOUT) && write(2, line, (size_t)size) < 0) return;
}

static _Noreturn void fail(int code, const char *why, const char *what) {
    say("error", getpid(), "the keeper %s %s: %s", why, what, strerror(errno));
    _exit(code);
}

/* ---- the table ---- */

static struct held *find(const char *name) {
    for (long i = 0; i < k.count; i++)
        if (strcmp(k.table[i].name, name) == 0) return &k.table[i];
    return NULL;
}

static void drop(struct held *held) {
    close(held->fd);
    *held = k.table[--k.count];
}

/* Takes the descriptor over, if the name is good and there is room for it. */
static bool hold(const char *name, int fd, bool listens, bool given) {
    struct held *held = find(name);
    size_t size = strlen(name);
    if (size == 0 || size > (listens ? NAME - SERIAL : NAME) || (!held && k.count == HELD)) return false;
    if (held) close(held->fd);
    else held = &k.table[k.count++];
    if (listens) fcntl(fd, F_SETFL, O_NONBLOCK);
    *held = (struct held){.fd = fd, .listens = listens, .given = given};
    memcpy(held->name, name, size);
    return true;
}

static void take_connection(struct held *listener) {
    char name[NAME + 1];
    int fd = k.count < k.room ? accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK) : -1;
    if (k.count >= k.room || (fd < 0 && errno != EAGAIN)) listener->rests = k.tick_at; /* for it stays ready */
    snprintf(name, sizeof name, "%.*s#%ld", NAME - SERIAL, listener->name, k.serial += fd >= 0);
    if (fd >= 0) hold(name, fd, false, false);
}

/* ---- messages ---- */

struct rights { /* there is room for one; of a message with more the kernel closes the others */
    struct cmsghdr header;
    int fd;
};

/* Sends a message, with a descriptor if it is not -1. False, with errno, if the queue does not take it now. */
__attribute__((format(printf, 2, 3))) static bool tell(int fd, const char *format, ...) {
    char text[NAME + 32];
    va_list arguments;
    va_start(arguments, format);
    struct iovec data = {.iov_base = text, .iov_len = (size_t)vsnprintf(text, sizeof text, format, arguments)};
    va_end(arguments);
    struct rights rights = {{.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd)}, fd};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &rights,
                             .msg_controllen = fd < 0 ? 0 : sizeof rights};
    return sendmsg((int)k.jvm.socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

/* Tells the JVM of a child that has ended, if it wants to hear of them. That stays a zombie, whose pid means nobody else,
   until the JVM has it reaped, and nobody else is told of before. False, with errno, as tell. */
static bool tell_exit(void) {
    siginfo_t child = {.si_pid = 0};
    if (k.exits && !k.jvm.told) waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT);
    if (!child.si_pid || child.si_pid == k.jvm.pid) return true;
    bool exited = child.si_code == CLD_EXITED;
    if (!tell(-1, "exited %d %d %d", child.si_pid, exited ? child.si_status : 0, exited ? 0 : child.si_status)) return false;
    k.jvm.told = child.si_pid;
    return true;
}

/* Gives the JVM what it does not have yet, then says so. What its queue does not take is tried again when there is room,
   and at each tick: a lack of memory, or too many descriptors under way, ends without a sign. */
static void give(void) {
    bool all = true;
    for (struct held *held = k.table; all && held < k.table + k.count; held++)
        if (!held->given) all = held->given = tell(held->fd, held->listens ? "listening %s" : "kept %s", held->name);
    if (all && !k.jvm.begun) k.jvm.begun = all = tell(-1, "begin %ld", k.starts - 1);
    all = all && tell_exit();
    k.full = !all && errno == EAGAIN;
}

static void heard_serving(void) {
    if (k.jvm.serving) return;
    say("info", k.jvm.pid, k.next.size ? "the JVM of the new command serves" : "the JVM serves");
    if (k.next.size) k.command = k.next;
    k.next.size = 0;
    k.jvm.silent = 0;
    k.jvm.serving = now();
    k.served = k.changed = true;
}

/* False if that is no absolute path, or too long. */
static bool set(struct words *to, const char *bytes, size_t size) {
    if (bytes[0] != '/' || bytes[size - 1] || size > WORDS) return false;
    memcpy(to->bytes, bytes, size);
    to->size = size;
    return true;
}

static bool heard_reap(long pid) {
    if (pid < 1 || pid != k.jvm.told) return false;
    k.jvm.told = 0;
    return waitpid((pid_t)pid, NULL, WNOHANG) == pid;
}

/* Does what a message says; there is room for a byte behind it. True if it was understood and its descriptor, if that is
   not -1, taken over. */
static bool obey(char *text, size_t size, int fd) {
    text[size] = 0;
    char *rest = text + strcspn(text, " "), *end = text + size;
    if (rest < end) *rest++ = 0;
    bool listens = strcmp(text, "listen") == 0, next = strcmp(text, "next") == 0;
    if (!next && rest + strlen(rest) != end) return false;
    if (fd >= 0) return (listens || strcmp(text, "keep") == 0) && hold(rest, fd, listens, true);
    struct words *words = next ? &k.next : strcmp(text, "status") == 0 ? &k.status :
                          strcmp(text, "keeper") == 0 ? &k.replacement : NULL;
    if (next) k.next_failed = false;
    if (words) return !(next && !k.jvm.serving) && set(words, rest, (size_t)(end - rest) + !next) && (k.changed = true);
    struct held *held = find(rest);
    if (strcmp(text, "serving") == 0) heard_serving();
    else if (strcmp(text, "alive") == 0) k.jvm.silent = k.stopping ? k.jvm.silent : 0;
    else if (strcmp(text, "exits") == 0) k.exits = true;
    else if (strcmp(text, "end") == 0) k.jvm.ending = true;
    else if (strcmp(text, "reap") == 0) return heard_reap(atol(rest));
    else if (strcmp(text, "drop") != 0) return false;
    else if (held) drop(held);
    return true;
}

/* Reads a message and does what it says; false if there is none. An empty one is the end: the JVM, or its end, is gone. */
static bool receive(void) {
    struct rights got = {.fd = -1};
    struct iovec data = {.iov_base = k.message, .iov_len = MESSAGE};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &got,
                             .msg_controllen = CMSG_LEN(sizeof got.fd)};
    ssize_t size = recvmsg((int)k.jvm.socket, &message, MSG_DONTWAIT);
    if (size < 0) return errno == ECONNRESET; /* it died with messages of ours unread; its own are still here */
    bool good = !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) && size > 0 && obey(k.message, (size_t)size, got.fd);
    if (!good && got.fd >= 0) close(got.fd);
    if (!good && size > 0) say("warning", k.jvm.pid, "the keeper ignores an unknown message of %zd bytes", size);
    if (size > 0) return true;
    close((int)k.jvm.socket);
    k.jvm.socket = -1;
    return false;
}

/* ---- the JVM's life ---- */

/* A field of a process's or thread's stat, 3: state, 22: start time; empty if there is none. */
static const char *field(long id, int number) {
    static char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", id);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = read(fd, text, sizeof text - 1);
    close(fd);
    text[size > 0 ? size : 0] = 0;
    const char *at = strrchr(text, ')'); /* the name before it may hold anything */
    for (int i = 2; at && i < number; i++) at = strchr(at + 1, ' ');
    return at ? at + 1 : "";
}

/* Whether a thread of the JVM runs, wants to, waits for a disk or was stopped: then it is slow, and no more is known. */
static bool is_busy(void) {
    char path[64], state = 0;
    snprintf(path, sizeof path, "/proc/%ld/task", k.jvm.pid);
    DIR *threads = opendir(path);
    for (struct dirent *thread; threads && !(state && strchr("RDT", state)) && (thread = readdir(threads));)
        state = *field(atol(thread->d_name), 3);
    return !threads || closedir(threads) != 0 || (state && strchr("RDT", state));
}

/* An adopted JVM is another's child, and its pid may mean another process by now. */
static void signal_jvm(int signal) {
    if (k.jvm.start && atol(field(k.jvm.pid, 22)) == k.jvm.start) kill((pid_t)k.jvm.pid, signal);
}

/* Whoever reads STATUS finds the old text or the new. It is written only once a JVM has served: one that does not may be
   that of a second keeper, and the file that of the first. */
static void write_status(void) {
    char new[WORDS + 8];
    k.changed = false;
    if (!k.served || !k.status.size) return;
    snprintf(new, sizeof new, "%s.new", k.status.bytes);
    int fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool good = fd >= 0 && dprintf(fd, "keeper %d %ld\nprocess %ld %ld\nstate %s\nrestarts %ld\nlast %s\nat %ld\n%s", getpid(),
                        atol(field(getpid(), 22)), k.jvm.pid, k.jvm.start,
                        !k.jvm.pid ? "waiting" : k.jvm.serving ? "serving" : "starting", k.restarts, k.last, k.last_at,
                        k.next_failed ? "failed next\n" : "") > 0;
    if (fd >= 0) close(fd);
    if (!good || rename(new, k.status.bytes) != 0) say("error", getpid(), "the keeper cannot write %s: %m", new);
}

/* What is held is open over an exec, for a keeper that replaces itself: here it has to be closed. */
static _Noreturn void become_command(struct words *command, int socket, pid_t keeper) {
    static char *arguments[WORDS + 1];
    static const sigset_t none;
    if (k.bound && (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != keeper)) _exit(1);
    for (long i = 0; i < k.count; i++) close(k.table[i].fd);
    dup2(socket, 4);
    setrlimit(RLIMIT_NOFILE, &k.files);
    sigprocmask(SIG_SETMASK, &none, NULL);
    char **to = arguments, *end = command->bytes + command->size;
    for (char *at = command->bytes; at < end; at += strlen(at) + 1) *to++ = at;
    execv(arguments[0], arguments);
    fail(127, "cannot run", arguments[0]);
}

/* The JVM is no more; status is 0 if it was adopted, for only a parent gets it. */
static void ended(int status) {
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
    while (receive()) continue; /* what it had sent counts */
    struct jvm jvm = k.jvm;
    close((int)jvm.socket);
    k.jvm = (struct jvm){.socket = -1};
    snprintf(k.last, sizeof k.last, WIFEXITED(status) ? "exit %d" : "signal %d", code);
    if (jvm.killed || jvm.adopted) strcpy(k.last, jvm.killed ? "hang" : "-");
    k.last_at = time(NULL);
    bool trial = k.next.size && !jvm.serving, planned = k.next.size && jvm.serving && status == 0;
    say(jvm.ending ? "info" : "warning", jvm.pid, "%s ended: %s", trial ? "the JVM of the new command" : "the JVM", k.last);
    if (jvm.ending || k.stopping) exit(jvm.ending ? 0 : 128 + SIGTERM);
    if (!k.served) exit(WIFEXITED(status) ? code : 128 + code);
    if (trial) k.next_failed = true, k.next.size = 0;
    k.restarts += !planned;
    k.quick = planned || (jvm.serving && now() - jvm.serving >= SOON * k.second) ? 0 : k.quick + 1;
    long tenths = k.quick < 3 ? 0 : k.quick > 7 ? 30 : 1L << (k.quick - 3); /* of a second */
    k.start_at = now() + tenths * k.second / 10;
    if (tenths) say("warning", getpid(), "%ld JVMs died in a row: the next starts in %ld.%ld s", k.quick, tenths / 10, tenths % 10);
    k.changed = true;
}

static void start(void) {
    struct words *command = k.next.size ? &k.next : &k.command;
    int pair[2] = {-1, -1};
    pid_t keeper = getpid(), pid = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0 ? fork() : -1;
    if (pid == 0) become_command(command, pair[1], keeper);
    if (pid < 0) say("error", keeper, "the keeper cannot start %s: %m", command->bytes);
    else say("info", pid, "the keeper started %s", command->bytes);
    close(pair[1]);
    fcntl(pair[0], F_SETFD, 0);
    dup2(0, 3); /* the pipe for the answer is the first JVM's alone */
    k.jvm = (struct jvm){.socket = pair[0], .pid = pid};
    k.jvm.start = atol(field(pid, 22));
    k.starts++;
    for (long i = 0; i < k.count; i++) k.table[i].given = false;
    k.changed = true;
    if (pid < 0) ended(1 << 8);
}

static void tick(void) {
    bool in_time = now() - k.tick_at <= k.second; /* else the machine was suspended, or we ourselves did not run */
    long limit = k.stopping ? STOP : k.jvm.serving ? ANSWER : k.next.size ? SERVE_NEXT : SERVE;
    k.tick_at = now() + k.second;
    if (!k.jvm.pid || !in_time || k.jvm.killed || *field(k.jvm.pid, 3) == 't') return; /* t: debugged */
    k.jvm.silent++;
    if (k.jvm.serving && k.jvm.silent % 2 == 0) tell(-1, "ping");
    if (k.jvm.silent < limit || (limit == ANSWER && k.jvm.silent < ANSWER_IF_BUSY && is_busy())) return;
    const char *what = k.stopping ? "stop" : k.jvm.serving ? "answer" : "come up";
    say("error", k.jvm.pid, "the JVM did not %s within %ld s: the keeper kills it", what, k.jvm.silent);
    k.jvm.killed = true;
    signal_jvm(SIGKILL);
}

/* The JVM's end is seen by its pid, behind whomever the kernel would name first. The others are for the JVM, or reaped. */
static void look_at_children(void) {
    int status;
    if (k.jvm.adopted && k.jvm.socket < 0) ended(0);
    for (pid_t pid; (k.jvm.pid || !k.exits) && (pid = waitpid(k.exits ? (pid_t)k.jvm.pid : -1, &status, WNOHANG)) > 0;)
        if (pid == k.jvm.pid) ended(status);
}

static void read_signal(void) {
    struct signalfd_siginfo info;
    if (read(k.signals, &info, sizeof info) != sizeof info) return;
    if (info.ssi_signo == SIGUSR1 && k.bound && k.jvm.serving) signal_jvm(SIGUSR1);
    if (k.stopping || (info.ssi_signo != SIGTERM && info.ssi_signo != SIGINT)) return;
    if (!k.jvm.pid) exit(128 + SIGTERM);
    signal_jvm(SIGTERM);
    signal_jvm(SIGCONT); /* one that is stopped hears nothing else */
    k.stopping = true;
    k.jvm.silent = 0;
}

/* ---- its own life ---- */

static void replace(void) {
    char number[16];
    size_t size = offsetof(struct keeper, table) + (size_t)k.count * sizeof k.table[0];
    int fd = (int)syscall(SYS_memfd_create, "jshim-keeper", 0);
    snprintf(number, sizeof number, "%d", fd);
    ssize_t path = readlink("/proc/self/exe", k.writer, sizeof k.writer - 1);
    k.writer[path > 0 ? path : 0] = 0; /* without a way back nothing is tried: the other may not understand the state */
    if (access(k.writer, X_OK) == 0 && write(fd, &k, size) == (ssize_t)size) execl(k.replacement.bytes, k.replacement.bytes, "-r", number, (char *)NULL);
    say("error", getpid(), "the keeper cannot be replaced by %s: %s", k.replacement.bytes, strerror(errno));
    close(fd);
    k.replacement.size = 0;
}

/* Goes on as the keeper that wrote the state. If it cannot, that one goes on: nothing was changed before that. */
static void resume(const char *number) {
    int fd = atoi(number);
    ssize_t size = pread(fd, &k, offsetof(struct keeper, signals), 0) - (ssize_t)offsetof(struct keeper, table);
    if (size < 0 || k.format != FORMAT || size != k.count * (ssize_t)sizeof k.table[0]) {
        k.writer[sizeof k.writer - 1] = 0;
        say("error", getpid(), "the keeper cannot read the state that %s left, and goes back to it", k.writer);
        execl(k.writer, k.writer, "-r", number, (char *)NULL);
        fail(1, "cannot run", k.writer);
    }
    close(fd);
    k.changed = true; /* by what came right before the order to be replaced */
    say("info", getpid(), "the keeper is now version %s", VERSION);
}

static void begin(void) {
    int null;
    syscall(SYS_close_range, FIRST, ~0U, 0); /* which Linux before 5.9 leaves to whoever starts us */
    while ((null = open("/dev/null", O_RDWR)) < FIRST)
        if (null < 0) fail(1, "cannot open", "/dev/null");
    if (k.jvm.adopted) k.jvm.socket = dup(4);
    dup2(null, 0);
    dup2(null, 1);
    dup2(null, 4);
    close(null);
    setenv("JSHIM_KEEPER", "4", 1);
    if (chdir("/") != 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) fail(1, "cannot become", "a subreaper");
    if (!k.jvm.adopted) return;
    k.jvm.start = atol(field(k.jvm.pid, 22));
    k.jvm.serving = now();
    k.jvm.begun = k.starts = k.served = 1;
    k.serial = atol(field(getpid(), 22)) << 24; /* a keeper before us has come less far */
    k.changed = true;
    say("info", k.jvm.pid, "a new keeper adopted the JVM");
}

/* All come by descriptor; those that read_signal does not name do nothing. The JVM gets none that is ignored. */
static void set_up_signals(void) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    for (int number = 1; number <= 64; number++) signal(number, SIG_DFL);
    k.signals = signalfd(-1, &all, SFD_NONBLOCK | SFD_CLOEXEC);
    if (k.signals < 0) fail(1, "cannot wait for", "signals");
}

static _Noreturn void run(void) {
    static struct pollfd all[2 + HELD];
    for (k.tick_at = now() + k.second;;) {
        look_at_children();
        if (!k.jvm.pid && now() >= k.start_at) start();
        if (k.changed) write_status();
        give();
        long due = !k.jvm.pid && k.start_at < k.tick_at ? k.start_at : k.tick_at, left = due - now(), count = k.count;
        all[0] = (struct pollfd){.fd = k.signals, .events = POLLIN};
        all[1] = (struct pollfd){.fd = (int)k.jvm.socket, .events = k.full ? POLLIN | POLLOUT : POLLIN};
        for (struct held *held = k.table; held < k.table + count; held++)
            all[2 + held - k.table] =
                (struct pollfd){.fd = held->listens && held->rests != k.tick_at ? held->fd : -1, .events = POLLIN};
        poll(all, (nfds_t)count + 2, left < 0 ? 0 : (int)left + 1);
        if (all[0].revents) read_signal();
        bool hears = all[1].revents & ~POLLOUT;
        for (long i = 0; i < count && !hears; i++)
            if (all[2 + i].revents) take_connection(&k.table[i]);
        for (int i = 0; i < 1000 && hears && !k.replacement.size; i++) hears = receive(); /* that may move the table */
        if (now() >= k.tick_at) tick();
        if (k.replacement.size) replace();
    }
}

int main(int count, char **arguments) {
    const char *state = NULL, *second = getenv("JSHIM_KEEPER_SECOND");
    k.format = FORMAT;
    k.jvm.socket = -1;
    k.second = second && atol(second) > 0 ? atol(second) : 1000;
    strcpy(k.last, "-");
    getrlimit(RLIMIT_NOFILE, &k.files); /* the JVM gets this one */
    struct rlimit raised = {k.files.rlim_max, k.files.rlim_max};
    setrlimit(RLIMIT_NOFILE, &raised);
    k.room = (raised.rlim_max > HELD ? HELD : (long)raised.rlim_max) - RESERVE;
    bool good = true;
    for (int option; (option = getopt(count, arguments, "+:s:p:a:r:bkv")) != -1;) { /* p and b: of older versions */
        if (option == 'v') return puts("jshim-keeper " VERSION) < 0;
        if (option == 'r') state = optarg;
        if (option == 'k') k.bound = true;
        if (option == 'a') k.jvm.pid = k.jvm.adopted = atol(optarg);
        if (option == 's') good = good && set(&k.status, optarg, strlen(optarg) + 1);
        if (option == '?' || option == ':' || (option == 'a' && (k.jvm.pid < 1 || fcntl(4, F_GETFD) < 0))) good = false;
    }
    char *command = arguments[optind], *last = arguments[count - 1]; /* the arguments of a process are one block */
    if (state) resume(state);
    else if (good && command && set(&k.command, command, (size_t)(last + strlen(last) + 1 - command))) begin();
    else return say("error", getpid(), "usage: jshim-keeper [-k] [-a PID] [-s STATUS] -- /COMMAND [ARG...], 32 KiB"), 2;
    set_up_signals();
    run();
}
