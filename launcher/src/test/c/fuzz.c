/*
 * Feeds the keeper's reader of messages: fuzz SECONDS RANDOM SEED...  A SEED is a file with a message. Built with sanitizers, which say
 * what goes wrong; what this checks itself is that no descriptor is lost or leaks, and that a tick counts as it should.
 */
int keeper_main(int count, char **arguments);
#define main keeper_main
#include "../../main/c/keeper.c"
#undef main

#define CHECK(condition) \
    if (!(condition)) { \
        fprintf(stdout, "line %d: not true: %s\n", __LINE__, #condition); \
        exit(1); \
    }

static unsigned long state;

static unsigned long pick(unsigned long count) { /* xorshift */
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % count;
}

static long open_descriptors(void) {
    long count = 0;
    DIR *all = opendir("/proc/self/fd");
    while (readdir(all)) count++;
    closedir(all);
    return count - 3; /* itself, "." and ".." */
}

/* What should be open: so many, and what is held. */
static void check_descriptors(long others) {
    CHECK(open_descriptors() == others + k.count);
    for (long i = 0; i < k.count; i++) {
        CHECK(k.table[i].fd >= FIRST && fcntl(k.table[i].fd, F_GETFD) >= 0);
        CHECK(k.table[i].name[0] && strlen(k.table[i].name) <= NAME);
        CHECK(find(k.table[i].name) == &k.table[i]);
    }
}

static size_t mutate(char *text, size_t size, size_t room) {
    for (unsigned long times = pick(6); times > 0; times--) {
        size_t at = size ? pick(size) : 0;
        unsigned long how = pick(5);
        if (how == 0 && size) text[at] = (char)pick(256);
        if (how == 1) size = at;
        if (how == 2 && size < room) text[size++] = (char)pick(256);
        if (how == 3 && size) text[at] = "\0\n #/9 -"[pick(8)];
        if (how == 4 && size && size * 2 < room) {
            memmove(text + size, text, size);
            size *= 2;
        }
    }
    return size;
}

static void send_with(int socket, const char *text, size_t size, const int *fds, size_t count) {
    union {
        char bytes[CMSG_SPACE(4 * sizeof(int))];
        struct cmsghdr header;
    } control = {.header = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(count * sizeof(int))}};
    memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
    struct iovec data = {.iov_base = (void *)(uintptr_t)text, .iov_len = size};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = count ? &control : NULL,
                             .msg_controllen = count ? CMSG_SPACE(count * sizeof(int)) : 0};
    CHECK(sendmsg(socket, &message, 0) == (ssize_t)size);
}

static struct seed {
    char text[MESSAGE];
    size_t size;
} seeds[64];
static unsigned long seed_count;

static void read_seeds(char **paths, int count) {
    for (int i = 0; i < count && i < 64; i++) {
        int fd = open(paths[i], O_RDONLY | O_CLOEXEC);
        ssize_t size = read(fd, seeds[i].text, MESSAGE);
        close(fd);
        CHECK(size >= 0);
        seeds[seed_count++].size = (size_t)size;
    }
    CHECK(seed_count > 0);
}

/* Any message, with up to three descriptors of any kind. */
static void fuzz_message(int socket, int listener) {
    static char text[2 * MESSAGE];
    const struct seed *seed = &seeds[pick(seed_count)];
    int pipes[2], fds[3];
    memcpy(text, seed->text, seed->size);
    size_t size = mutate(text, seed->size, MESSAGE + 1);
    if (size == 0) return; /* that would be the end */
    CHECK(pipe2(pipes, O_CLOEXEC) == 0);
    for (int i = 0; i < 3; i++) fds[i] = pick(3) ? pipes[pick(2)] : listener;
    send_with(socket, text, size, fds, pick(8) ? pick(2) : pick(4));
    close(pipes[0]);
    close(pipes[1]);
    k.told = (long)pick(3);
    CHECK(receive());
    CHECK(!receive() && errno == EAGAIN);
    k.replacement[0] = k.status[0] = 0; /* nothing is run or written */
    if (k.count > 500)
        while (k.count) drop(k.table);
}

/* Time counts only in ticks that come in time, and not while the process is stopped. */
static void check_ticks(void) {
    k.pid = getpid();
    k.serving = false;
    for (int i = 0; i < 3; i++) {
        k.silent = 0;
        k.tick_at = now() - (i == 0 ? 0 : i == 1 ? k.second - 200 : k.second + 1);
        tick();
        CHECK(k.silent == (i < 2));
    }
    k.pid = fork();
    if (k.pid == 0)
        for (;;) pause();
    for (int i = 0; i < 2; i++) {
        CHECK(kill((pid_t)k.pid, i == 0 ? SIGSTOP : SIGCONT) == 0);
        waitpid((pid_t)k.pid, NULL, i == 0 ? WUNTRACED : WCONTINUED);
        k.silent = 0;
        k.tick_at = now();
        tick();
        CHECK(k.silent == i);
    }
    kill((pid_t)k.pid, SIGKILL);
    waitpid((pid_t)k.pid, NULL, 0);
    k.pid = 0;
    k.serving = true;
}

int main(int count, char **arguments) {
    CHECK(count > 3);
    int pair[2], listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr name = {.sa_family = AF_UNIX};
    CHECK(bind(listener, &name, sizeof name.sa_family) == 0 && listen(listener, 1) == 0); /* a name of the kernel's choice */
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
    state = strtoul(arguments[2], NULL, 10) * 2654435761 + 1;
    read_seeds(arguments + 3, count - 3);
    k.format = FORMAT;
    k.second = 1000;
    k.socket = pair[0];
    raise_limit();
    set_up_signals();
    long others = open_descriptors();
    check_ticks();
    check_descriptors(others);
    long rounds = 0;
    for (time_t end = time(NULL) + atoi(arguments[1]); time(NULL) < end; rounds++) {
        fuzz_message(pair[1], listener);
        if (rounds % 16 == 0) give();
        if (rounds % 256 == 0) check_descriptors(others);
    }
    check_descriptors(others);
    printf("%ld rounds\n", rounds);
    return 0;
}
