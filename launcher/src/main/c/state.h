/* What the keeper has; its clock and its log. Included once, by keeper.c. */
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
#define FORMAT 2 /* of struct keeper: another number whenever that changes */
#endif

enum {
    MESSAGE = 65536, /* bytes of the longest message */
    COMMAND = 32768, /* bytes of the longest command */
    NAME = 400,      /* bytes of the longest name */
    SERIAL = 21,     /* bytes of "#N", for which a listener's name leaves room */
    HELD = 16384,    /* the most descriptors; pages of the table that nobody used take no memory */
    RESERVE = 64,    /* those that accepting leaves for what the JVM keeps */
    FIRST = 5,       /* lower descriptors mean something in the JVM: they are open, so that none of ours gets them */
};
enum { SOON = 1, ANSWER = 10, ANSWER_IF_BUSY = 60, SERVE_NEXT = 30, SERVE = 120, STOP = 20 }; /* seconds */

struct command { /* arguments, each with its NUL; size 0: no command */
    size_t size;
    char bytes[COMMAND];
};

struct held {
    int fd;
    bool listens, rests, given; /* rests: it is not accepted on until the next tick; given: the present JVM has it */
    char name[NAME + 1];
};

/* All that it has. What comes before signals is carried over, as it is, when it replaces itself; the first two stay where
   they are in every version. */
static struct keeper {
    long format;
    char writer[PATH_MAX];                    /* the program to go back to */
    char status[PATH_MAX], pidfile[PATH_MAX]; /* empty: none */
    struct rlimit files;                      /* RLIMIT_NOFILE as we found it */
    long socket;                              /* our end of the pair, -1 if the JVM's is closed */
    long pid, start, adopted;                 /* the JVM, 0 without one; field 22 of its stat; it is no child of ours */
    long serial, starts, restarts;            /* connections accepted; starts; deaths without plan */
    long begun, serving, ending, served_once; /* said by us, by this JVM, by this JVM, by any JVM */
    long serving_since, start_at;             /* start_at: when the next start is due */
    long silent, killed, stopping;            /* seconds that count; for these; 1 + seconds that it still has to stop */
    long quick, last_at;                      /* deaths in a row; when the last was */
    long trying, next_failed;                 /* this JVM is of the next command; the last one was taken back */
    long exits, told, bound;                  /* the JVM is told of ends; of whose last; it dies with us */
    char last[24];                            /* how the last JVM ended */
    struct command command, next;             /* next: what is started when this JVM has ended, until that serves */
    long count;
    struct held table[HELD];

    int signals;
    bool full, changed;         /* the JVM's queue is full; STATUS is to be written */
    long second, tick_at, room; /* milliseconds, fewer in tests; when the next tick is due; how much the table may hold */
    char replacement[PATH_MAX]; /* what to become; empty: nothing */
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
    struct tm utc;
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &utc));
    int size = snprintf(line, sizeof line, "time=%s level=%s msg=\"%s\" pid=%ld\n", when, level, text, pid);
    struct pollfd log = {.fd = 2, .events = POLLOUT};
    if (poll(&log, 1, 0) == 1 && (log.revents & POLLOUT) && write(2, line, (size_t)size) < 0) return;
}

static _Noreturn void fail(int code, const char *why, const char *what) {
    say("error", getpid(), "%s %s: %s", why, what, strerror(errno));
    _exit(code);
}
