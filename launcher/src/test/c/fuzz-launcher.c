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

#include "fuzz.h"

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
    time_t end = read_seeds(arguments, count);
    check_hashes();
    mkdir("groups", 0700);
    mkdir("groups/0123456789abcdef", 0700);
    mkdir("bundle", 0700);
    int groups = open("groups", O_PATH | O_CLOEXEC), bundle = open("bundle", O_PATH | O_CLOEXEC);
    long rounds = 0;
    for (; time(NULL) < end; rounds++) {
        size_t size = make(text, sizeof text - 1);
        text[size] = 0;
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
