/* For a build of the keeper whose clock of the wall is off by as many seconds as the file $KEEPER_CLOCK says. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline long clock_is_off_by(void) {
    long seconds = 0;
    FILE *file = fopen(getenv("KEEPER_CLOCK"), "re");
    if (!file || fscanf(file, "%ld", &seconds) != 1) seconds = 0;
    if (file) fclose(file);
    return seconds;
}

static inline time_t wrong_time(time_t *none) {
    return time(none) + clock_is_off_by();
}

static inline int wrong_clock_gettime(clockid_t clock, struct timespec *now) {
    int result = clock_gettime(clock, now);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) now->tv_sec += clock_is_off_by();
    return result;
}

#define time(none) wrong_time(none)
#define clock_gettime(clock, now) wrong_clock_gettime(clock, now)
