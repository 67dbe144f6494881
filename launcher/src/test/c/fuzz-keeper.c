/*
 * Feeds the keeper's reader of messages: fuzz-keeper SECONDS RANDOM SEED...  A SEED is a file with a message. Built with
 * sanitizers, which say what goes wrong; what this checks itself is that no descriptor is lost or leaks, and that a tick
 * counts as it should.
 */
int keeper_main(int count, char **arguments);
#define main keeper_main
#include "../../main/c/keeper.c"
#undef main
#include <sys/ptrace.h>

#include "fuzz.h"

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

/* Any message, with up to three descriptors of any kind. */
static void fuzz_message(int socket, int listener) {
    static char text[2 * MESSAGE];
    int pipes[2], fds[3];
    size_t size = make(text, MESSAGE + 2); /* also one that is too long */
    if (size == 0) return; /* that would be the end */
    CHECK(pipe2(pipes, O_CLOEXEC) == 0);
    for (int i = 0; i < 3; i++) fds[i] = pick(3) ? pipes[pick(2)] : listener;
    send_with(socket, text, size, fds, pick(8) ? pick(2) : pick(4));
    close(pipes[0]);
    close(pipes[1]);
    k.jvm.told = (long)pick(3);
    CHECK(receive());
    CHECK(!receive() && errno == EAGAIN);
    k.replacement.size = k.status.size = 0; /* nothing is run or written */
    if (k.count > 500)
        while (k.count) drop(k.table);
}

/* Time counts only in ticks that come in time, and not while a debugger holds the process. */
static void check_ticks(void) {
    k.jvm.pid = getpid();
    k.jvm.serving = false;
    for (int i = 0; i < 3; i++) {
        k.jvm.silent = 0;
        k.tick_at = now() - (i == 0 ? 0 : i == 1 ? k.second - 200 : k.second + 1);
        tick();
        CHECK(k.jvm.silent == (i < 2));
    }
    k.jvm.pid = fork();
    if (k.jvm.pid == 0 && ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 && raise(SIGSTOP) == 0)
        for (;;) pause();
    CHECK(waitpid((pid_t)k.jvm.pid, NULL, WUNTRACED) == k.jvm.pid);
    for (int i = 0; i < 2; i++) {
        k.jvm.silent = 0;
        k.tick_at = now();
        tick();
        CHECK(k.jvm.silent == i);
        CHECK(i == 1 || ptrace(PTRACE_DETACH, (pid_t)k.jvm.pid, NULL, NULL) == 0);
    }
    kill((pid_t)k.jvm.pid, SIGKILL);
    waitpid((pid_t)k.jvm.pid, NULL, 0);
    k.jvm.pid = 0;
    k.jvm.serving = true;
}

int main(int count, char **arguments) {
    time_t end = read_seeds(arguments, count);
    int pair[2], listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr name = {.sa_family = AF_UNIX};
    CHECK(bind(listener, &name, sizeof name.sa_family) == 0 && listen(listener, 1) == 0); /* a name of the kernel's choice */
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
    k.second = 1000;
    k.room = HELD;
    k.jvm.socket = pair[0];
    set_up_signals();
    long others = open_descriptors();
    check_ticks();
    check_descriptors(others);
    long rounds = 0;
    for (; time(NULL) < end; rounds++) {
        fuzz_message(pair[1], listener);
        if (rounds % 16 == 0) give();
        if (rounds % 256 == 0) check_descriptors(others);
    }
    check_descriptors(others);
    printf("%ld rounds\n", rounds);
    return 0;
}
