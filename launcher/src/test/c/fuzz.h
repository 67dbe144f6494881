/* What fuzz-keeper.c and fuzz-launcher.c share: chance, and texts that are made of seeds by it. */

#define CHECK(condition) \
    if (!(condition)) { \
        fprintf(stdout, "line %d: not true: %s\n", __LINE__, #condition); \
        exit(1); \
    }

enum { SEED = 65536 }; /* bytes of the longest one */

static struct seed {
    char text[SEED];
    size_t size;
} seeds[64];
static unsigned long seed_count, chance;

static unsigned long pick(unsigned long count) { /* xorshift */
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return chance % count;
}

/* Reads the command line: SECONDS RANDOM SEED...  A SEED is a file. Returns when it is over. */
static time_t read_seeds(char **arguments, int count) {
    CHECK(count > 3 && count <= 3 + 64);
    chance = strtoul(arguments[2], NULL, 10) * 2654435761 + 1;
    for (int i = 3; i < count; i++) {
        struct seed *seed = &seeds[seed_count++];
        int fd = open(arguments[i], O_RDONLY | O_CLOEXEC);
        ssize_t size = read(fd, seed->text, SEED);
        close(fd);
        CHECK(size >= 0);
        seed->size = (size_t)size;
    }
    return time(NULL) + atoi(arguments[1]);
}

/* Some seed, changed here and there; less than the room, which is more than SEED. Returns its size. */
static size_t make(char *text, size_t room) {
    static const char of_meaning[] = " \n\"=#/-9)('";
    const struct seed *seed = &seeds[pick(seed_count)];
    memcpy(text, seed->text, seed->size);
    size_t size = seed->size;
    for (unsigned long times = pick(6); times > 0; times--) {
        size_t at = size ? pick(size) : 0;
        unsigned long how = pick(5);
        if (how == 0 && size) text[at] = (char)pick(256);
        if (how == 1) size = at;
        if (how == 2 && size + 1 < room) text[size++] = (char)pick(256);
        if (how == 3 && size) text[at] = of_meaning[pick(sizeof of_meaning)];
        if (how == 4 && size && size * 2 < room) {
            memmove(text + size, text, size);
            size *= 2;
        }
    }
    return size;
}
