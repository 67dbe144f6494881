/*
 * Feeds the launcher's readers: fuzz-launcher SECONDS RANDOM SEED...  A SEED is a file as one of those that it reads. Built with
 * sanitizers, which say what goes wrong; runs in a folder of its own. Checks SHA-256 by the vectors of its standard, too.
 */
int launcher_main(int count, char **arguments);
#define main launcher_main
#define GROUPS "groups"
#include "../../main/c/launcher.c"
#undef main
#include <time.h>

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

static void check_hash(const char *text, const char *expected) {
    char digits[65];
    sha256(text, digits);
    CHECK(strcmp(digits, expected) == 0);
}

static void check_hashes(void) {
    check_hash("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check_hash("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check_hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
               "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    check_hash("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
               "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
    static char million[1000001];
    memset(million, 'a', 1000000);
    check_hash(million, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static struct seed {
    char text[TEXT];
    size_t size;
} seeds[32];
static unsigned long seed_count;

/* Some text of a seed, changed here and there, and a NUL. */
static size_t make(char *text, size_t room) {
    const struct seed *seed = &seeds[pick(seed_count)];
    memcpy(text, seed->text, seed->size);
    size_t size = seed->size;
    for (unsigned long times = pick(6); times > 0; times--) {
        size_t at = size ? pick(size) : 0;
        unsigned long how = pick(5);
        if (how == 0 && size) text[at] = (char)pick(256);
        if (how == 1) size = at;
        if (how == 2 && size + 1 < room) text[size++] = (char)pick(256);
        if (how == 3 && size) text[at] = " \n\"=#/-9)('\0"[pick(12)];
        if (how == 4 && size && size * 2 < room) {
            memmove(text + size, text, size);
            size *= 2;
        }
    }
    text[size] = 0;
    return size;
}

static void put(const char *path, const char *text, size_t size) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(write(fd, text, size) == (ssize_t)size);
    close(fd);
}

static void fuzz_files(const char *text, size_t size, int groups, int bundle) {
    static struct record record;
    static const struct stat config;
    put("groups/0123456789abcdef/reply", text, size);
    if (read_record(groups, "0123456789abcdef", &record)) {
        CHECK(strlen(text) == size && size < sizeof record.text);
        const char *const values[] = {record.shim, record.caller, record.answer, record.protocol, record.socket};
        for (int i = 0; i < 5; i++) CHECK(!strchr(values[i], '\n'));
        is_known(&record, &config);
    }
    put("bundle/address", text, size);
    has_dead_group(bundle);
}

static void fuzz_arguments(char *text) {
    char *arguments[64] = {text};
    int count = 1;
    for (char *rest = text, *word; count < 63 && (word = strsep(&rest, "\n"));) arguments[count++] = word;
    arguments[pick((unsigned long)count) + 1] = NULL;
    for (count = 0; arguments[count];) count++;
    command = id = namespace = address = "";
    read_arguments(count, arguments);
    CHECK(!*command || command == arguments[count - 1]);
    CHECK(!is_plain(id, "._-") || (id[strspn(id, "._-")] && !strchr(id, '/')));
}

int main(int count, char **arguments) {
    static char text[2 * TEXT], copy[2 * TEXT];
    CHECK(count > 3);
    state = strtoul(arguments[2], NULL, 10) * 2654435761 + 1;
    for (int i = 3; i < count && i < 35; i++) {
        struct stat status;
        ssize_t size = read_file(AT_FDCWD, arguments[i], seeds[i - 3].text, TEXT, &status);
        CHECK(size >= 0);
        seeds[seed_count++].size = (size_t)size;
    }
    check_hashes();
    mkdir("groups", 0700);
    mkdir("groups/0123456789abcdef", 0700);
    mkdir("bundle", 0700);
    int groups = open("groups", O_PATH | O_CLOEXEC), bundle = open("bundle", O_PATH | O_CLOEXEC);
    long rounds = 0;
    for (time_t end = time(NULL) + atoi(arguments[1]); time(NULL) < end; rounds++) {
        size_t size = make(text, TEXT);
        memcpy(copy, text, size + 1);
        CHECK(!is_node(copy) || strcmp(DEFAULT_GROUPING, "node") == 0 || (strstr(text, "Grouping") && strstr(text, "\"node\"")));
        for (int number = 0; number < 60; number++) CHECK(strlen(field(text, number)) <= size);
        is_alive(text);
        fuzz_files(text, size, groups, bundle);
        fuzz_arguments(text);
    }
    CHECK(open("/dev/null", O_RDONLY | O_CLOEXEC) == bundle + 1); /* no descriptor was lost */
    printf("%ld rounds\n", rounds);
    return 0;
}
