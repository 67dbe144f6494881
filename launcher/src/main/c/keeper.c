/*
 * jshim-keeper: holds descriptors for a JVM and is its parent, so that the JVM may die and nobody who is connected to it
 * notices. README.md of this module is the protocol. One thread, one table, one loop that blocks in epoll_wait alone.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef VERSION
#define VERSION "0"
#endif
#ifndef STATE
#define STATE "jshim-keeper state 1" /* another number whenever what write_state writes changes */
#endif

enum {
    MESSAGE = 65536, /* bytes of the longest message */
    NAME = 400,      /* bytes of the longest name */
    SERIAL = 21,     /* of "#N", which a listener's name must leave room for */
    RESERVE = 64,    /* descriptors that accepting leaves for what the JVM keeps */
    FIRST = 5,       /* lower ones mean something in the JVM; here they are always open, so that none of ours gets them */
};
enum { SOON = 1, ANSWER = 10, ANSWER_BUSY = 60, NEXT_UP = 30, UP = 120, STOP = 20 }; /* seconds, see README.md */

struct held {
    char *name;
    int fd;
    bool listens;
    bool given; /* the present JVM has it */
};

/* Of a command line: its arguments, each with its NUL. */
struct command {
    char *bytes;
    size_t size;
};

/* What a keeper that replaces itself carries over as it is. */
struct counters {
    int64_t socket;                      /* our end of the pair, -1 while no JVM runs */
    int64_t given_files;                 /* RLIMIT_NOFILE as we found it */
    int64_t serial, starts, restarts;
    int64_t pid, start;                  /* of the JVM, 0 while none runs; start as in /proc/PID/stat */
    int64_t adopted;                     /* it is not our child */
    int64_t begun, serving, ending;      /* what was said: begin by us, the others by this JVM */
    int64_t served_once, serving_since;  /* any JVM ever; milliseconds of CLOCK_MONOTONIC */
    int64_t pings, unanswered, silent;   /* silent: seconds that count */
    int64_t ticks, hung, stopping;       /* hung: we have killed it; stopping: seconds until we do */
    int64_t quick, start_at;             /* deaths in a row; when the next start is due */
    int64_t next_failed;
    int64_t last_kind, last_code, last_at;
};
enum { NONE, EXIT, SIGNAL, HANG }; /* last_kind */

static struct {
    struct counters n;
    struct held *table;
    size_t count, room;
    struct command command, before, next; /* before: to go back to until the command serves; next: after this JVM */
    char *status, *pidfile;               /* paths or NULL */
    char *replacement;                    /* path of the keeper that we are to become */
    int epoll, signals, pidfd;
    int64_t second;                       /* in milliseconds; shorter in tests */
    int64_t tick_at;
    int64_t files;                        /* how many descriptors we may have */
    char message[MESSAGE + 1];
} k = {.epoll = -1, .signals = -1, .pidfd = -1, .second = 1000, .n.socket = -1};

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

/* One line of log. Whoever reads it may have stopped to read: a line is dropped rather than waited for. */
__attribute__((format(printf, 3, 4))) static void say(const char *level, int64_t pid, const char *format, ...)
{
    char text[600], line[700];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == '"' || *c == '\\' || *c == 127)
            *c = '?';
    time_t seconds = time(NULL);
    struct tm t;
    gmtime_r(&seconds, &t);
    int size = snprintf(line, sizeof line, "time=%04d-%02d-%02dT%02d:%02d:%02dZ level=%s msg=\"%s\" pid=%lld\n",
                        t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, level, text,
                        (long long)pid);
    struct pollfd log = {.fd = 2, .events = POLLOUT};
    if (poll(&log, 1, 0) == 1 && (log.revents & POLLOUT) && write(2, line, (size_t)size) < 0)
        return;
}

/* ---- processes ---- */

/* State and start time (fields 3 and 22) of a process or thread; false where there is none. */
static bool read_stat(const char *path, char *state, int64_t *start)
{
    char text[1024];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[size > 0 ? size : 0] = 0;
    char *at = strrchr(text, ')'); /* the name may hold anything, even this */
    if (!at || at[1] != ' ')
        return false;
    *state = at[2];
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    *start = at ? strtoll(at, NULL, 10) : 0;
    return true;
}

static bool stat_of(int64_t pid, char *state, int64_t *start)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    return read_stat(path, state, start);
}

static int64_t start_of(int64_t pid)
{
    char state;
    int64_t start;
    return stat_of(pid, &state, &start) ? start : 0;
}

/* Whether a thread of the JVM runs, wants to, or waits for a disk: then it is slow, and no more is known. */
static bool is_busy(void)
{
    char path[64], state;
    int64_t start;
    bool busy = false;
    snprintf(path, sizeof path, "/proc/%lld/task", (long long)k.n.pid);
    DIR *threads = opendir(path);
    if (!threads)
        return true;
    for (struct dirent *entry; !busy && (entry = readdir(threads));) {
        snprintf(path, sizeof path, "/proc/%lld/task/%.20s/stat", (long long)k.n.pid, entry->d_name);
        busy = read_stat(path, &state, &start) && (state == 'R' || state == 'D');
    }
    closedir(threads);
    return busy;
}

/* An adopted JVM is another's child: its pid may mean another process by now. */
static bool is_gone(void)
{
    char state;
    int64_t start;
    return k.n.adopted && (!stat_of(k.n.pid, &state, &start) || start != k.n.start || state == 'Z' || state == 'X');
}

static void signal_jvm(int signal)
{
    if (!is_gone())
        kill((pid_t)k.n.pid, signal);
}

/* ---- files for others ---- */

static void write_file(const char *path, const char *text)
{
    char new[4200];
    snprintf(new, sizeof new, "%s.new", path);
    int fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool good = fd >= 0 && fchmod(fd, 0600) == 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    if (!good || rename(new, path) != 0)
        say("error", getpid(), "cannot write %s: %s", path, strerror(errno));
}

static void write_status(void)
{
    static const char *const kinds[] = {"-", "exit ", "signal ", "hang"};
    char text[512], code[24] = "";
    if (!k.status)
        return;
    if (k.n.last_kind == EXIT || k.n.last_kind == SIGNAL)
        snprintf(code, sizeof code, "%lld", (long long)k.n.last_code);
    snprintf(text, sizeof text,
             "keeper %d %lld\nprocess %lld %lld\nstate %s\nrestarts %lld\nlast %s%s\nat %lld\n%s", getpid(),
             (long long)start_of(getpid()), (long long)k.n.pid, (long long)k.n.start,
             k.n.pid == 0 ? "waiting" : k.n.serving ? "serving" : "starting", (long long)k.n.restarts,
             kinds[k.n.last_kind], code, (long long)k.n.last_at, k.n.next_failed ? "failed next\n" : "");
    write_file(k.status, text);
}

static _Noreturn void finish(int code)
{
    if (k.status)
        unlink(k.status);
    if (k.pidfile)
        unlink(k.pidfile);
    exit(code);
}

/* ---- the table ---- */

static void watch(int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    if (epoll_ctl(k.epoll, EPOLL_CTL_ADD, fd, &event) != 0 && errno == EEXIST)
        epoll_ctl(k.epoll, EPOLL_CTL_MOD, fd, &event);
}

/* The JVM may have the same socket open: closing ours would not take it out of the epoll set. */
static void unwatch(int fd)
{
    epoll_ctl(k.epoll, EPOLL_CTL_DEL, fd, NULL);
}

static struct held *find(const char *name)
{
    for (size_t i = 0; i < k.count; i++)
        if (strcmp(k.table[i].name, name) == 0)
            return &k.table[i];
    return NULL;
}

static void let_go(const struct held *held)
{
    if (held->listens)
        unwatch(held->fd);
    close(held->fd);
}

/* A connection that the keeper before us accepted is NAME#N too: that N is used up. */
static void note_serial(const char *name)
{
    const char *mark = strrchr(name, '#');
    int64_t serial = mark ? strtoll(mark + 1, NULL, 10) : 0;
    if (serial > k.n.serial && serial < INT64_MAX)
        k.n.serial = serial;
}

/* Takes the descriptor over; false where there is no memory for it. */
static bool hold(const char *name, int fd, bool listens, bool given)
{
    struct held *held = find(name);
    if (held) {
        let_go(held);
    } else {
        if (k.count == k.room) {
            size_t room = k.room ? 2 * k.room : 32;
            struct held *table = realloc(k.table, room * sizeof *table);
            if (!table)
                return false;
            k.table = table;
            k.room = room;
        }
        held = &k.table[k.count];
        if (!(held->name = strdup(name)))
            return false;
        k.count++;
    }
    held->fd = fd;
    held->listens = listens;
    held->given = given;
    if (listens)
        watch(fd, EPOLLIN);
    note_serial(name);
    return true;
}

static void drop(const char *name)
{
    struct held *held = find(name);
    if (!held)
        return;
    let_go(held);
    free(held->name);
    k.count--;
    memmove(held, held + 1, (size_t)(k.table + k.count - held) * sizeof *held);
}

/* ---- messages to the JVM ---- */

/* Never waits; false, with errno, if the JVM's queue does not take it. */
static bool tell(const char *verb, const char *rest, int fd)
{
    char text[NAME + 32];
    int size = snprintf(text, sizeof text, "%s %s", verb, rest);
    union {
        char bytes[CMSG_SPACE(sizeof fd)];
        struct cmsghdr align;
    } control = {0};
    struct iovec data = {.iov_base = text, .iov_len = (size_t)size};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    if (fd >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(header), &fd, sizeof fd);
    }
    return sendmsg((int)k.n.socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

static bool tell_number(const char *verb, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)number);
    return tell(verb, text, -1);
}

/* Gives the JVM what it does not have yet, then says so. What its queue does not take now is tried again when there is
   room; a queue without room for descriptors (ETOOMANYREFS, ENOBUFS) does not tell, therefore each tick tries too. */
static void give(void)
{
    if (k.n.socket < 0)
        return;
    bool all = true;
    for (size_t i = 0; all && i < k.count; i++) {
        struct held *held = &k.table[i];
        if (!held->given)
            all = held->given = tell(held->listens ? "listening" : "kept", held->name, held->fd);
    }
    if (all && !k.n.begun)
        all = k.n.begun = tell_number("begin", k.n.starts - 1);
    watch((int)k.n.socket, all || errno != EAGAIN ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

static void take_connection(const struct held *listener)
{
    char name[NAME + 1];
    int fd = -1;
    errno = EMFILE;
    if ((int64_t)k.count + RESERVE < k.files)
        fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
            unwatch(listener->fd); /* until the next tick: it would be ready all the time */
        return;
    }
    snprintf(name, sizeof name, "%.*s#%lld", NAME - SERIAL, listener->name, (long long)k.n.serial + 1);
    if (hold(name, fd, false, false))
        give();
    else
        close(fd);
}

/* ---- messages from the JVM ---- */

static bool is_name(const char *name, size_t longest)
{
    size_t size = strlen(name);
    return size > 0 && size <= longest && !strchr(name, '\n');
}

static bool is_listening(int fd)
{
    int domain = 0, type = 0, listens = 0;
    socklen_t size = sizeof(int);
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM &&
           getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens;
}

static void set_command(struct command *command, struct command value)
{
    free(command->bytes);
    *command = value;
}

/* The bytes end with a NUL. */
static bool copy_command(struct command *command, const char *bytes, size_t size)
{
    char *copy = malloc(size);
    if (!copy)
        return false;
    memcpy(copy, bytes, size);
    set_command(command, (struct command){copy, size});
    return true;
}

static bool heard_serving(void)
{
    if (k.n.serving)
        return true;
    say("info", k.n.pid, k.before.bytes ? "serving, with the new command" : "serving");
    set_command(&k.before, (struct command){0});
    k.n.serving = k.n.served_once = true;
    k.n.serving_since = now();
    k.n.silent = k.n.unanswered = 0;
    write_status();
    return true;
}

static bool heard_alive(const char *number)
{
    char *end;
    long long ping = strtoll(number, &end, 10);
    if (*end || ping < 1 || ping > k.n.pings)
        return false;
    k.n.silent = k.n.unanswered = 0;
    return true;
}

static bool heard_next(char *bytes, size_t size)
{
    if (size == 0 || bytes[0] != '/')
        return false;
    if (bytes[size - 1])
        bytes[size++] = 0; /* the message's own end; there is room for it */
    if (!copy_command(&k.next, bytes, size))
        return false;
    k.n.next_failed = false;
    write_status();
    return true;
}

static bool heard_keeper(const char *path)
{
    if (path[0] != '/')
        return false;
    free(k.replacement);
    k.replacement = strdup(path);
    return k.replacement;
}

static bool heard_listen(const char *name, int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return is_name(name, NAME - SERIAL) && is_listening(fd) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
           hold(name, fd, true, true);
}

/* Does what a message says; true if it was understood, and its descriptor (-1: none) taken over. There is room for one
   byte behind the text. */
static bool obey(char *text, size_t size, int fd)
{
    text[size] = 0;
    if (size >= 5 && memcmp(text, "next", 5) == 0)
        return fd < 0 && heard_next(text + 5, size - 5);
    if (strlen(text) != size)
        return false;
    char *rest = strchr(text, ' ');
    if (!rest) {
        if (fd < 0 && strcmp(text, "end") == 0)
            return k.n.ending = true;
        return fd < 0 && strcmp(text, "serving") == 0 && heard_serving();
    }
    *rest++ = 0;
    if (strcmp(text, "keep") == 0)
        return fd >= 0 && is_name(rest, NAME) && hold(rest, fd, false, true);
    if (strcmp(text, "listen") == 0)
        return fd >= 0 && heard_listen(rest, fd);
    if (fd >= 0)
        return false;
    if (strcmp(text, "drop") == 0)
        return drop(rest), true;
    if (strcmp(text, "alive") == 0)
        return heard_alive(rest);
    return strcmp(text, "keeper") == 0 && heard_keeper(rest);
}

/* What came along with a message: the first descriptor, any other is closed. Returns how many there were. */
static int unpack(struct msghdr *message, int *fd, bool *real)
{
    int count = 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
        *real = *real || header->cmsg_type == SCM_CREDENTIALS;
        if (header->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t at = CMSG_LEN(0); at + sizeof(int) <= header->cmsg_len; at += sizeof(int)) {
            int one;
            memcpy(&one, (char *)header + at, sizeof one);
            if (count++ == 0)
                *fd = one;
            else
                close(one);
        }
    }
    return count;
}

/* Reads a message and does what it says; false if there is none. */
static bool receive(void)
{
    union {
        char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int) * 253)];
        struct cmsghdr align;
    } control;
    struct iovec data = {.iov_base = k.message, .iov_len = MESSAGE};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t size = recvmsg((int)k.n.socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0) /* ECONNRESET: the JVM died with messages of ours unread; its own are still here */
        return errno == ECONNRESET || errno == EINTR;
    int fd = -1;
    bool real = false; /* only a message has credentials: an empty one is not the end */
    int count = unpack(&message, &fd, &real);
    if (size == 0 && !real) {
        unwatch((int)k.n.socket);
        return false;
    }
    if (count > 1 || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || !obey(k.message, (size_t)size, fd)) {
        say("warning", k.n.pid, "a message of %zd bytes with %d descriptors was not understood", size, count);
        if (fd >= 0)
            close(fd);
    }
    return true;
}

/* ---- the JVM's life ---- */

static _Noreturn void become_command(int socket)
{
    static const char defaults[64]; /* a struct sigaction of the kernel; glibc's call refuses two of the signals */
    for (int number = 1; number <= 64; number++)
        syscall(SYS_rt_sigaction, number, defaults, NULL, 8);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    dup2(socket, 4);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = (rlim_t)k.n.given_files;
    setrlimit(RLIMIT_NOFILE, &limit);
    size_t count = 0;
    for (size_t i = 0; i < k.command.size; i++)
        count += k.command.bytes[i] == 0;
    char **arguments = calloc(count + 1, sizeof *arguments), *at = k.command.bytes;
    for (size_t i = 0; arguments && i < count; i++, at += strlen(at) + 1)
        arguments[i] = at;
    if (arguments)
        execv(arguments[0], arguments);
    say("error", getpid(), "cannot run %s: %s", k.command.bytes, strerror(errno));
    _exit(127);
}

/* Our end of the pair: with credentials, by which receive knows the end of the connection from an empty message. */
static void use_socket(int socket)
{
    int yes = 1;
    k.n.socket = socket;
    setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes);
    watch(socket, EPOLLIN);
}

static void start(void)
{
    int pair[2] = {-1, -1};
    pid_t pid = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0 ? fork() : -1;
    if (pid == 0)
        become_command(pair[1]);
    if (pid < 0) {
        say("error", getpid(), "cannot start %s: %s", k.command.bytes, strerror(errno));
        close(pair[0]);
        close(pair[1]);
        if (!k.n.served_once)
            finish(1);
        k.n.start_at = now() + k.second;
        return;
    }
    close(pair[1]);
    dup2(0, 3); /* the answer's pipe is the first JVM's alone */
    k.n.pid = pid;
    k.n.start = start_of(pid);
    k.n.adopted = k.n.begun = k.n.serving = k.n.ending = k.n.hung = 0;
    k.n.silent = k.n.unanswered = 0;
    k.n.starts++;
    for (size_t i = 0; i < k.count; i++)
        k.table[i].given = false;
    use_socket(pair[0]);
    say("info", pid, "started %s", k.command.bytes);
    write_status();
    give();
}

/* Which command comes next, and whether the JVM's end was a step of its own plan. */
static bool choose_command(bool exited_well)
{
    if (k.before.bytes && !k.n.serving) {
        say("warning", k.n.pid, "the new command does not serve: going back to %s", k.before.bytes);
        set_command(&k.command, k.before);
        set_command(&k.next, (struct command){0});
        k.before = (struct command){0};
        k.n.next_failed = true;
        return false;
    }
    if (!k.next.bytes)
        return false;
    say("info", k.n.pid, "the command is now %s", k.next.bytes);
    set_command(&k.before, k.command);
    k.command = k.next;
    k.next = (struct command){0};
    return exited_well;
}

static void note_end(int status)
{
    k.n.last_kind = k.n.hung ? HANG : status < 0 ? NONE : WIFEXITED(status) ? EXIT : SIGNAL;
    k.n.last_code = status < 0 ? 0 : WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
    k.n.last_at = time(NULL);
    if (status < 0)
        say("warning", k.n.pid, "ended");
    else
        say(k.n.ending ? "info" : "warning", k.n.pid, "ended by %s %lld%s", WIFEXITED(status) ? "exit" : "signal",
            (long long)k.n.last_code, k.n.hung ? " after a hang" : "");
}

/* The JVM is no more; status is -1 if it was not our child. */
static void ended(int status)
{
    while (receive()) /* what it had sent counts */
        ;
    unwatch((int)k.n.socket);
    close((int)k.n.socket);
    k.n.socket = -1;
    if (k.pidfd >= 0)
        close(k.pidfd);
    k.pidfd = -1;
    note_end(status);
    if (k.n.ending)
        finish(0);
    if (k.n.stopping)
        finish(128 + SIGTERM);
    if (!k.n.served_once)
        finish((int)(k.n.last_kind == EXIT ? k.n.last_code : 128 + k.n.last_code));
    bool planned = choose_command(status == 0);
    if (!planned)
        k.n.restarts++;
    bool lasted = k.n.serving && now() - k.n.serving_since >= SOON * k.second;
    k.n.quick = lasted || planned ? 0 : k.n.quick + 1;
    k.n.pid = k.n.start = 0;
    int64_t tenths = k.n.quick <= 2 ? 0 : k.n.quick >= 12 ? 300 : 1LL << (k.n.quick - 3);
    k.n.start_at = now() + (tenths < 300 ? tenths : 300) * k.second / 10;
    if (tenths)
        say("warning", 0, "died %lld times in a row: waiting before the next start", (long long)k.n.quick);
    write_status();
}

static void kill_hung(const char *why)
{
    say("error", k.n.pid, "%s: killing it", why);
    k.n.hung = true;
    signal_jvm(SIGKILL);
}

/* Time counts only if we ourselves ran in time and the JVM is not stopped. */
static void check_heartbeat(bool counts)
{
    char state = 0;
    int64_t start;
    if (k.n.hung || !counts || (stat_of(k.n.pid, &state, &start) && (state == 'T' || state == 't')))
        return;
    if (!k.n.serving) {
        if (++k.n.silent >= (k.before.bytes ? NEXT_UP : UP))
            kill_hung("does not come up");
        return;
    }
    if (k.n.unanswered && ++k.n.silent >= ANSWER && (k.n.silent >= ANSWER_BUSY || !is_busy()))
        kill_hung("does not answer");
    else if (++k.n.ticks % 2 == 0) {
        k.n.unanswered++;
        tell_number("ping", ++k.n.pings);
    }
}

static void tick(void)
{
    bool in_time = now() - k.tick_at <= k.second;
    k.tick_at = now() + k.second;
    for (size_t i = 0; i < k.count; i++)
        if (k.table[i].listens)
            watch(k.table[i].fd, EPOLLIN);
    if (k.n.pid == 0)
        return;
    for (int i = 0; i < 1000 && receive(); i++) /* an answer may be here already */
        ;
    give();
    if (k.n.stopping && --k.n.stopping == 0) {
        say("warning", k.n.pid, "does not end: killing it");
        k.n.stopping = STOP;
        signal_jvm(SIGKILL);
    }
    check_heartbeat(in_time);
    if (is_gone())
        ended(-1);
}

static void stop(void)
{
    if (k.n.pid == 0)
        finish(128 + SIGTERM);
    if (k.n.stopping)
        return;
    k.n.stopping = STOP;
    signal_jvm(SIGTERM);
}

static void read_signals(void)
{
    struct signalfd_siginfo info;
    if (read(k.signals, &info, sizeof info) == sizeof info && info.ssi_signo != SIGCHLD)
        stop();
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
        if (pid == k.n.pid)
            ended(status);
}

/* ---- a keeper that replaces itself ---- */

struct reader {
    const char *at, *end;
};

static bool put(int fd, const void *bytes, size_t size)
{
    return write(fd, bytes, size) == (ssize_t)size;
}

static bool put_text(int fd, const char *text)
{
    return put(fd, text ? text : "", text ? strlen(text) + 1 : 1);
}

static bool put_command(int fd, const struct command *command)
{
    return put(fd, &command->size, sizeof command->size) && put(fd, command->bytes, command->size);
}

static bool take(struct reader *from, void *to, size_t size)
{
    if ((size_t)(from->end - from->at) < size)
        return false;
    memcpy(to, from->at, size);
    from->at += size;
    return true;
}

static const char *take_text(struct reader *from)
{
    const char *text = from->at, *end = memchr(text, 0, (size_t)(from->end - text));
    if (end)
        from->at = end + 1;
    return end ? text : NULL;
}

static bool take_path(struct reader *from, char **path)
{
    const char *text = take_text(from);
    *path = text && *text ? strdup(text) : NULL;
    return text && (!*text || *path);
}

static bool take_command(struct reader *from, struct command *command)
{
    size_t size;
    if (!take(from, &size, sizeof size) || size > (size_t)(from->end - from->at) || (size && from->at[size - 1]))
        return false;
    const char *bytes = from->at;
    from->at += size;
    return size == 0 || copy_command(command, bytes, size);
}

/* The version and the path of who wrote it come first, in every version. */
static bool write_state(int fd)
{
    char self[4096] = "";
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        return false;
    bool good = put_text(fd, STATE) && put_text(fd, self) && put(fd, &k.n, sizeof k.n) && put_text(fd, k.status) &&
                put_text(fd, k.pidfile) && put_command(fd, &k.command) && put_command(fd, &k.before) &&
                put_command(fd, &k.next) && put(fd, &k.count, sizeof k.count);
    for (size_t i = 0; good && i < k.count; i++) {
        const struct held *held = &k.table[i];
        int32_t numbers[] = {held->fd, held->listens, held->given};
        good = put(fd, numbers, sizeof numbers) && put_text(fd, held->name);
    }
    return good;
}

static bool is_ours(int64_t fd)
{
    return fd >= FIRST && fd <= INT32_MAX && fcntl((int)fd, F_GETFD) >= 0;
}

/* Understands all of it or says false; changes nothing that is not ours alone. */
static bool read_state(struct reader from)
{
    size_t count;
    const char *version = take_text(&from), *writer = take_text(&from);
    if (!version || strcmp(version, STATE) != 0 || !writer || !take(&from, &k.n, sizeof k.n) ||
        !take_path(&from, &k.status) || !take_path(&from, &k.pidfile) || !take_command(&from, &k.command) ||
        !take_command(&from, &k.before) || !take_command(&from, &k.next) || !take(&from, &count, sizeof count) ||
        !k.command.bytes || (k.n.socket >= 0 && !is_ours(k.n.socket)))
        return false;
    for (; count > 0; count--) {
        int32_t numbers[3];
        const char *name;
        if (!take(&from, numbers, sizeof numbers) || !(name = take_text(&from)) || !is_name(name, NAME) ||
            !is_ours(numbers[0]) || (numbers[1] && !is_listening(numbers[0])) ||
            !hold(name, numbers[0], numbers[1], numbers[2]))
            return false;
    }
    return from.at == from.end;
}

static void keep_on_exec(bool keep)
{
    int flags = keep ? 0 : FD_CLOEXEC;
    for (size_t i = 0; i < k.count; i++)
        fcntl(k.table[i].fd, F_SETFD, flags);
    if (k.n.socket >= 0)
        fcntl((int)k.n.socket, F_SETFD, flags);
}

static void replace(void)
{
    char number[16];
    int fd = (int)syscall(SYS_memfd_create, "jshim-keeper", 0);
    if (fd >= 0 && write_state(fd)) {
        snprintf(number, sizeof number, "%d", fd);
        keep_on_exec(true);
        execl(k.replacement, k.replacement, "-r", number, (char *)NULL);
    }
    say("error", getpid(), "cannot be replaced by %s: %s", k.replacement, strerror(errno));
    keep_on_exec(false);
    if (fd >= 0)
        close(fd);
    free(k.replacement);
    k.replacement = NULL;
}

static void watch_adopted(void)
{
    k.pidfd = k.n.adopted ? (int)syscall(SYS_pidfd_open, k.n.pid, 0) : -1; /* without pidfd (Linux 5.3) each tick looks */
    if (k.pidfd >= 0)
        watch(k.pidfd, EPOLLIN);
}

/* Goes on as the keeper that wrote the state, or has that one go on. */
static void resume(const char *number, bool back)
{
    int fd = atoi(number);
    struct stat status;
    char *state = fstat(fd, &status) == 0 && status.st_size > 0
                      ? mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    if (state == MAP_FAILED) {
        say("error", getpid(), "no state in descriptor %s: %s", number, strerror(errno));
        exit(1);
    }
    struct reader from = {state, state + status.st_size};
    if (!read_state(from)) {
        const char *version = take_text(&from), *writer = version ? take_text(&from) : NULL;
        if (!back && writer)
            execl(writer, writer, "-r", number, "-b", (char *)NULL);
        say("error", getpid(), "cannot read the state %.40s, nor go back", version ? version : "");
        exit(1);
    }
    munmap(state, (size_t)status.st_size);
    close(fd);
    keep_on_exec(false);
    if (k.n.socket >= 0)
        use_socket((int)k.n.socket);
    if (back)
        say("error", getpid(), "the new keeper did not understand the state: the old one goes on");
    else
        say("info", getpid(), "replaced, now version %s", VERSION);
}

/* ---- the beginning ---- */

static void set_up_signals(void)
{
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, SIGCHLD);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    sigprocmask(SIG_SETMASK, &ours, NULL);
    signal(SIGCHLD, SIG_DFL); /* if it is ignored there is no exit code */
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    k.signals = signalfd(-1, &ours, SFD_NONBLOCK | SFD_CLOEXEC);
    k.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (k.signals < 0 || k.epoll < 0) {
        say("error", getpid(), "no epoll or signalfd: %s", strerror(errno));
        exit(1);
    }
    watch(k.signals, EPOLLIN);
}

/* Descriptors 0 to 4 are open afterwards, and none above that was not made here. */
static int set_up_descriptors(bool adopting)
{
    if (syscall(SYS_close_range, FIRST, ~0U, 0) != 0)
        for (int fd = FIRST; fd < 65536; fd++) /* before Linux 5.9; higher ones nobody hands down */
            close(fd);
    int null, socket = adopting ? fcntl(4, F_DUPFD_CLOEXEC, FIRST) : -1;
    while ((null = open("/dev/null", O_RDWR)) >= 0 && null < FIRST)
        ;
    dup2(null, 0);
    dup2(null, 1);
    dup2(null, 4);
    if (adopting)
        dup2(null, 3);
    close(null);
    return socket;
}

static void raise_limit(bool first)
{
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    if (first)
        k.n.given_files = (int64_t)limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    k.files = limit.rlim_max > INT32_MAX ? INT32_MAX : (int64_t)limit.rlim_max;
}

static _Noreturn void refuse(const char *why)
{
    dprintf(2, "jshim-keeper: %s; usage: jshim-keeper [-a PID] [-s STATUS] [-p PIDFILE] -- COMMAND [ARG...]\n", why);
    exit(2);
}

static void adopt(int64_t pid, int socket)
{
    int type = 0;
    socklen_t size = sizeof type;
    if (getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_SEQPACKET)
        refuse("descriptor 4 is no socket for messages");
    k.n.pid = pid;
    k.n.start = start_of(pid);
    k.n.starts = 1;
    k.n.adopted = k.n.begun = k.n.serving = k.n.served_once = true;
    k.n.serving_since = now();
    use_socket(socket);
    say("info", pid, "adopted");
}

static void begin(int count, char **arguments, int64_t adopted)
{
    if (count == 0 || arguments[0][0] != '/')
        refuse("COMMAND must be an absolute path");
    if ((k.status && k.status[0] != '/') || (k.pidfile && k.pidfile[0] != '/'))
        refuse("STATUS and PIDFILE must be absolute paths");
    char *last = arguments[count - 1]; /* the arguments of a process are one block */
    if (!copy_command(&k.command, arguments[0], (size_t)(last + strlen(last) + 1 - arguments[0])))
        refuse("no memory");
    int socket = set_up_descriptors(adopted);
    set_up_signals();
    setenv("JSHIM_KEEPER", "4", 1);
    if (chdir("/") != 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        say("warning", getpid(), "no subreaper: %s", strerror(errno));
    if (k.pidfile) {
        char text[16];
        snprintf(text, sizeof text, "%d\n", getpid());
        write_file(k.pidfile, text);
    }
    if (adopted)
        adopt(adopted, socket);
}

static int time_left(void)
{
    int64_t due = k.n.pid == 0 && k.n.start_at < k.tick_at ? k.n.start_at : k.tick_at, left = due - now();
    return left < 0 ? 0 : (int)left + 1;
}

/* One event at a time: what it does may close the descriptor of the next. */
static void handle(const struct epoll_event *event)
{
    int fd = event->data.fd;
    if (fd == k.signals)
        read_signals();
    else if (fd == k.pidfd) {
        if (is_gone())
            ended(-1);
    } else if (fd == k.n.socket) {
        if (event->events & EPOLLOUT)
            give();
        if (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            receive();
    } else
        for (size_t i = 0; i < k.count; i++)
            if (k.table[i].fd == fd) {
                take_connection(&k.table[i]);
                return;
            }
}

int main(int count, char **arguments)
{
    const char *state = NULL, *second = getenv("JSHIM_KEEPER_SECOND");
    int64_t adopted = 0;
    bool back = false;
    if (second && atoi(second) > 0)
        k.second = atoi(second);
    opterr = 0;
    for (int option; (option = getopt(count, arguments, "+s:p:a:r:bv")) != -1;)
        switch (option) {
        case 's': k.status = optarg; break;
        case 'p': k.pidfile = optarg; break;
        case 'a': adopted = strtoll(optarg, NULL, 10); if (adopted < 1) refuse("-a needs the pid of a process"); break;
        case 'r': state = optarg; break;
        case 'b': back = true; break;
        case 'v': puts("jshim-keeper " VERSION); return 0;
        default: refuse("unknown option, or one without its argument");
        }
    raise_limit(!state);
    if (state) {
        set_up_signals();
        resume(state, back);
    } else
        begin(count - optind, arguments + optind, adopted);
    watch_adopted();
    write_status();
    for (k.tick_at = now() + k.second;;) {
        if (k.n.pid == 0 && now() >= k.n.start_at)
            start();
        struct epoll_event event;
        if (epoll_wait(k.epoll, &event, 1, time_left()) == 1)
            handle(&event);
        if (now() >= k.tick_at)
            tick();
        if (k.replacement)
            replace();
    }
}
