/*
 * Stands in for the JVM in tests: stub CONTROL [ANYTHING...]. It hands its end of the pair to the test, which listens on
 * CONTROL, and does what the test asks it for. It ends with the connection, so that none outlives its test.
 *     exit N     end with this code
 *     spin       run all the time, from now on
 *     term       say "term" at SIGTERM, instead of dying of it
 *     write      say "up" on descriptor 3, and close it
 *     orphan N   leave an orphan that ends at once, with this code or, below 0, by this signal; it says its pid
 * stub exit N: that alone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int control;

static void on_term(int signal) {
    (void)signal;
    if (send(control, "term", 4, MSG_NOSIGNAL) < 0) _exit(98);
}

static int connected(const char *path) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
    if (connect(fd, (struct sockaddr *)&name, sizeof name) != 0) _exit(97);
    return fd;
}

static void hand_over(int fd, int count, char **arguments) {
    char text[1000];
    int size = snprintf(text, sizeof text, "%d", getpid());
    for (int i = 2; i < count; i++) size += snprintf(text + size, sizeof text - (size_t)size, " %s", arguments[i]);
    struct {
        struct cmsghdr header;
        int fd;
    } rights = {{.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd)}, fd};
    struct iovec data = {.iov_base = text, .iov_len = (size_t)size};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &rights, .msg_controllen = CMSG_SPACE(sizeof fd)};
    if (sendmsg(control, &message, MSG_NOSIGNAL) < 0) _exit(96);
    close(fd);
    if (send(control, "ready", 5, MSG_NOSIGNAL) < 0) _exit(93);
}

/* It is named only once nobody is left between: if this process dies then, the keeper hears of no other end. */
static void leave_orphan(int how) {
    int ends[2];
    pid_t orphan = -1;
    char text[20];
    if (pipe(ends) != 0) _exit(91);
    pid_t parent = fork();
    if (parent == 0) {
        orphan = fork();
        if (orphan == 0) {
            if (how < 0) kill(getpid(), -how);
            _exit(how);
        }
        _exit(write(ends[1], &orphan, sizeof orphan) != sizeof orphan);
    }
    close(ends[1]);
    waitpid(parent, NULL, 0);
    if (read(ends[0], &orphan, sizeof orphan) != sizeof orphan) _exit(90);
    close(ends[0]);
    int size = snprintf(text, sizeof text, "%d", orphan);
    if (send(control, text, (size_t)size, MSG_NOSIGNAL) < 0) _exit(92);
}

int main(int count, char **arguments) {
    if (count == 3 && strcmp(arguments[1], "exit") == 0) return atoi(arguments[2]);
    control = connected(arguments[1]);
    hand_over(atoi(getenv("JSHIM_KEEPER")), count, arguments);
    int flags = 0;
    for (;;) {
        char text[100];
        ssize_t size = recv(control, text, sizeof text - 1, flags);
        if (size < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (size <= 0) _exit(99);
        text[size] = 0;
        if (strncmp(text, "exit ", 5) == 0) _exit(atoi(text + 5));
        if (strcmp(text, "spin") == 0) flags = MSG_DONTWAIT;
        if (strcmp(text, "term") == 0) signal(SIGTERM, on_term);
        if (strcmp(text, "write") == 0 && (write(3, "up", 2) != 2 || close(3) != 0)) _exit(95);
        if (strncmp(text, "orphan ", 7) == 0) leave_orphan(atoi(text + 7));
        else if (send(control, "done", 4, MSG_NOSIGNAL) < 0) _exit(94);
    }
}
