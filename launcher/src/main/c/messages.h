/* The table of descriptors, and the messages about it to and from the JVM. Included once, by keeper.c. */

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
    struct held *old = find(name);
    size_t size = strlen(name);
    if (size == 0 || size > (listens ? NAME - SERIAL : NAME) || (!old && k.count == HELD)) return false;
    if (old) drop(old);
    if (listens) fcntl(fd, F_SETFL, O_NONBLOCK);
    struct held *held = &k.table[k.count++];
    *held = (struct held){.fd = fd, .listens = listens, .given = given};
    memcpy(held->name, name, size + 1);
    const char *mark = strrchr(name, '#'); /* a connection that a keeper before accepted: its number is used up */
    long serial = mark ? atol(mark + 1) : 0;
    if (serial > k.serial && serial < LONG_MAX) k.serial = serial;
    return true;
}

static void take_connection(struct held *listener) {
    char name[NAME + 1];
    snprintf(name, sizeof name, "%.*s#%ld", NAME - SERIAL, listener->name, k.serial + 1);
    bool room = k.count < k.room;
    int fd = room ? accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK) : -1;
    if (fd >= 0) hold(name, fd, false, false);
    else listener->rests = !room || errno != EAGAIN; /* for it stays ready */
}

/* ---- messages to the JVM ---- */

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
    return sendmsg((int)k.socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

/* Tells the JVM of a child that has ended, if it wants to hear of them. That stays a zombie, whose pid means nobody else,
   until the JVM has it reaped, and nobody else is told of before. False, with errno, as tell. */
static bool tell_exit(void) {
    siginfo_t child = {.si_pid = 0};
    if (!k.exits || k.told || waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) != 0) return true;
    if (!child.si_pid || child.si_pid == k.pid) return true;
    bool exited = child.si_code == CLD_EXITED;
    if (!tell(-1, "exited %d %d %d", child.si_pid, exited ? child.si_status : 0, exited ? 0 : child.si_status)) return false;
    k.told = child.si_pid;
    return true;
}

/* Gives the JVM what it does not have yet, then says so. What its queue does not take is tried again when there is room,
   and at each tick: a lack of memory, or too many descriptors under way, ends without a sign. */
static void give(void) {
    bool all = true;
    for (struct held *held = k.table; all && held < k.table + k.count; held++)
        if (!held->given) all = held->given = tell(held->fd, held->listens ? "listening %s" : "kept %s", held->name);
    if (all && !k.begun) k.begun = all = tell(-1, "begin %ld", k.starts - 1);
    all = all && tell_exit();
    k.full = !all && errno == EAGAIN;
}

/* ---- messages from the JVM ---- */

static void heard_serving(void) {
    if (k.serving) return;
    say("info", k.pid, k.trying ? "serving, by the new command" : "serving");
    if (k.trying) {
        k.command = k.next;
        k.next.size = 0;
        k.trying = false;
    }
    k.serving = k.served_once = true;
    k.serving_since = now();
    k.silent = 0;
    k.changed = true;
}

static bool set_path(char *to, const char *path) {
    size_t size = strlen(path) + 1;
    if (path[0] == '/' && size <= PATH_MAX) memcpy(to, path, size);
    return path[0] == '/' && size <= PATH_MAX;
}

static bool heard_next(char *arguments, size_t size) {
    if (arguments[size - 1]) arguments[size++] = 0; /* the end of the message is the last one's, too */
    if (arguments[0] != '/' || size > COMMAND || k.trying) return false;
    memcpy(k.next.bytes, arguments, size);
    k.next.size = size;
    k.next_failed = false;
    k.changed = true;
    return true;
}

static bool heard_reap(long pid) {
    if (pid < 1 || pid != k.told) return false;
    waitpid((pid_t)pid, NULL, WNOHANG);
    k.told = 0;
    return true;
}

/* Does what a message says; there is room for a byte behind it. True if it was understood and its descriptor, if that is
   not -1, taken over. */
static bool obey(char *text, size_t size, int fd) {
    text[size] = 0;
    if (size > 5 && memcmp(text, "next", 5) == 0) return fd < 0 && heard_next(text + 5, size - 5);
    char *rest = strchrnul(text, ' ');
    if (strlen(text) != size) return false;
    if (*rest) *rest++ = 0;
    bool listens = strcmp(text, "listen") == 0;
    if (fd >= 0) return (listens || strcmp(text, "keep") == 0) && hold(rest, fd, listens, true);
    if (strcmp(text, "reap") == 0) return heard_reap(atol(rest));
    if (strcmp(text, "keeper") == 0) return set_path(k.replacement, rest);
    if (strcmp(text, "status") == 0) return set_path(k.status, rest) && (k.changed = true);
    struct held *held = find(rest);
    if (strcmp(text, "serving") == 0) heard_serving();
    else if (strcmp(text, "alive") == 0) k.silent = 0;
    else if (strcmp(text, "exits") == 0) k.exits = true;
    else if (strcmp(text, "end") == 0) k.ending = true;
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
    ssize_t size = recvmsg((int)k.socket, &message, MSG_DONTWAIT);
    if (size < 0) return errno == ECONNRESET; /* it died with messages of ours unread; its own are still here */
    if (size == 0) {
        close((int)k.socket);
        k.socket = -1;
    } else if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || !obey(k.message, (size_t)size, got.fd)) {
        say("warning", k.pid, "a message of %zd bytes was not understood", size);
    } else {
        return true;
    }
    if (got.fd >= 0) close(got.fd);
    return size > 0;
}
