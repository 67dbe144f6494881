/* The table of descriptors, and the messages about it to and from the JVM. Included once, by keeper.c. */

/* ---- the table ---- */

static void watch(int fd, uint32_t events) {
    struct epoll_event event = {.events = events, .data.fd = fd};
    if (epoll_ctl(k.epoll, EPOLL_CTL_ADD, fd, &event) != 0) epoll_ctl(k.epoll, EPOLL_CTL_MOD, fd, &event);
}

/* Before closing: the JVM may have the same socket open, which would leave it in the epoll set. */
static void unwatch(int fd) {
    epoll_ctl(k.epoll, EPOLL_CTL_DEL, fd, NULL);
}

static bool is_name(const char *name, size_t longest) {
    size_t size = strlen(name);
    return size > 0 && size <= longest && !strchr(name, '\n');
}

static struct held *find(const char *name) {
    for (long i = 0; i < k.count; i++)
        if (strcmp(k.table[i].name, name) == 0) return &k.table[i];
    return NULL;
}

static void drop(struct held *held) {
    if (held->listens) unwatch(held->fd);
    close(held->fd);
    *held = k.table[--k.count];
}

/* Takes the descriptor over, if there is room for it. */
static bool hold(const char *name, int fd, bool listens, bool given) {
    struct held *old = find(name);
    if (!old && k.count == HELD) return false;
    if (old) drop(old);
    struct held *held = &k.table[k.count++];
    held->fd = fd;
    held->listens = listens;
    held->given = given;
    snprintf(held->name, sizeof held->name, "%s", name);
    if (listens) watch(fd, EPOLLIN);
    const char *mark = strrchr(name, '#'); /* a connection that a keeper before accepted: its number is used up */
    long serial = mark ? atol(mark + 1) : 0;
    if (serial > k.serial && serial < LONG_MAX) k.serial = serial;
    return true;
}

/* ---- messages to the JVM ---- */

/* Sends a message, with a descriptor if it is not -1. False, with errno, if the queue does not take it now. */
__attribute__((format(printf, 2, 3))) static bool tell(int fd, const char *format, ...) {
    char text[NAME + 32];
    va_list arguments;
    va_start(arguments, format);
    struct iovec data = {.iov_base = text, .iov_len = (size_t)vsnprintf(text, sizeof text, format, arguments)};
    va_end(arguments);
    struct {
        struct cmsghdr header;
        int fd;
    } rights = {{.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd)}, fd};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = fd < 0 ? NULL : &rights,
                             .msg_controllen = fd < 0 ? 0 : sizeof rights};
    return sendmsg((int)k.socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

/* Tells the JVM of a child that has ended, if it wants to hear of them. That stays a zombie, whose pid means nobody else, until
   the JVM has it reaped, and nobody else is told of before. False, with errno, as tell. */
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
    bool all = k.socket >= 0;
    for (struct held *held = k.table; all && held < k.table + k.count; held++)
        if (!held->given) all = held->given = tell(held->fd, held->listens ? "listening %s" : "kept %s", held->name);
    if (all && !k.begun) k.begun = all = tell(-1, "begin %ld", k.starts - 1);
    if (all) all = tell_exit();
    if (k.socket >= 0) watch((int)k.socket, all || errno != EAGAIN ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

static void take_connection(const struct held *listener) {
    char name[NAME + 1];
    bool room = k.count < k.room;
    int fd = room ? accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK) : -1;
    if (fd < 0) {
        if (!room || (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR))
            unwatch(listener->fd); /* until the next tick, for it stays ready */
        return;
    }
    snprintf(name, sizeof name, "%.*s#%ld", NAME - SERIAL, listener->name, k.serial + 1);
    hold(name, fd, false, false);
    give();
}

/* ---- messages from the JVM ---- */

static bool is_listening(int fd) {
    int listens = 0;
    socklen_t size = sizeof listens;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens;
}

static bool heard_listen(const char *name, int fd) {
    return is_name(name, NAME - SERIAL) && is_listening(fd) && fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0 &&
           hold(name, fd, true, true);
}

static bool heard_serving(void) {
    if (k.serving) return true;
    say("info", k.pid, k.before.size ? "serving, by the new command" : "serving");
    k.before.size = 0;
    k.serving = k.served_once = true;
    k.serving_since = now();
    k.silent = k.unanswered = 0;
    k.changed = true;
    return true;
}

static bool set_path(char *to, const char *path) {
    size_t size = strlen(path) + 1;
    if (path[0] == '/' && size <= PATH_MAX) memcpy(to, path, size);
    return path[0] == '/' && size <= PATH_MAX;
}

static void set(struct command *command, const char *bytes, size_t size) {
    memcpy(command->bytes, bytes, size);
    command->size = size;
}

static bool heard_next(char *arguments, size_t size) {
    if (arguments[size - 1]) arguments[size++] = 0; /* the end of the message is the last one's, too */
    if (arguments[0] != '/' || size > COMMAND) return false;
    set(&k.next, arguments, size);
    k.next_failed = false;
    k.changed = true;
    return true;
}

static bool heard_reap(long pid) {
    if (pid < 1 || pid != k.told) return false;
    waitpid((pid_t)pid, NULL, WNOHANG);
    k.told = 0;
    give();
    return true;
}

static bool heard_status(const char *path) {
    k.changed = true;
    return set_path(k.status, path);
}

/* Does what a message says; there is room for a byte behind it. True if it was understood and its descriptor, if that is
   not -1, taken over. */
static bool obey(char *text, size_t size, int fd) {
    text[size] = 0;
    if (size > 5 && memcmp(text, "next", 5) == 0) return fd < 0 && heard_next(text + 5, size - 5);
    char *rest = strchr(text, ' ');
    if (strlen(text) != size) return false;
    if (rest) *rest++ = 0;
    if (rest && fd >= 0 && strcmp(text, "keep") == 0) return is_name(rest, NAME) && hold(rest, fd, false, true);
    if (rest && fd >= 0 && strcmp(text, "listen") == 0) return heard_listen(rest, fd);
    if (fd >= 0) return false;
    if (!rest && strcmp(text, "serving") == 0) return heard_serving();
    if (!rest && strcmp(text, "end") == 0) return k.ending = true, true;
    if (!rest && strcmp(text, "exits") == 0) return k.exits = true, give(), true;
    if (!rest) return false;
    if (strcmp(text, "keeper") == 0) return set_path(k.replacement, rest);
    if (strcmp(text, "status") == 0) return heard_status(rest);
    if (strcmp(text, "reap") == 0) return heard_reap(atol(rest));
    if (strcmp(text, "alive") == 0 && atol(rest) > 0 && atol(rest) <= k.pings) return k.silent = k.unanswered = 0, true;
    struct held *held = find(rest);
    if (held && strcmp(text, "drop") == 0) drop(held);
    return strcmp(text, "drop") == 0;
}

/* Reads a message and does what it says; false if there is none. */
static bool receive(void) {
    struct {
        struct cmsghdr sender;
        struct ucred credentials;
        _Alignas(8) struct cmsghdr rights;
        int fd; /* there is room for one; a message with more is cut, and the kernel closes them */
    } got = {.fd = -1};
    struct iovec data = {.iov_base = k.message, .iov_len = MESSAGE};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &got,
                             .msg_controllen = offsetof(__typeof__(got), fd) + sizeof got.fd};
    ssize_t size = recvmsg((int)k.socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0) /* ECONNRESET: the JVM died with messages of ours unread; its own are still here */
        return errno == ECONNRESET || errno == EINTR;
    if (size == 0 && message.msg_controllen == 0) { /* the end: of an empty message there would be credentials */
        unwatch((int)k.socket);
        return false;
    }
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || !obey(k.message, (size_t)size, got.fd)) {
        say("warning", k.pid, "a message of %zd bytes was not understood", size);
        if (got.fd >= 0) close(got.fd);
    }
    return true;
}
