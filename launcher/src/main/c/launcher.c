/*
 * containerd-shim-v2-oci and containerd-shim-v1-linux: answers containerd's `start` and `delete` where that needs neither a
 * JVM nor a shell, and becomes lib/sh/shim.sh of its tree for all else: also if there is any doubt, for what it does itself
 * a JVM or a shell can do at any moment. README.md of this module says what it reads.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sha256.h"

/* Each program is built for itself: a copy of it has lost its name. */
#ifdef V1
#define NAME "containerd-shim-v1-linux" /* which joins nothing: options of its containers may be in a journal */
enum { IS_V1 = 1 };
#else
#define NAME "containerd-shim-v2-oci"
enum { IS_V1 = 0 };
#endif
#ifndef CONFIG
#define CONFIG "/etc/jshim/config.toml"
#endif
#ifndef GROUPS
#define GROUPS "/run/jshim/s" /* the folders of the groups; the tests have others */
#endif
#ifndef DEFAULT_GROUPING
#define DEFAULT_GROUPING "node" /* as in Settings of shim-v2: what holds if the configuration does not say it */
#endif

enum { TEXT = 65536 }; /* bytes of the longest file that is looked into */

static const char *command = "", *id = "", *namespace = "", *address = "";

static _Noreturn void fail(const char *why) {
    dprintf(2, "jshim: %s: %s\n", why, strerror(errno));
    exit(1);
}

/* ---- files and processes ---- */

/* Reads a file that is shorter than the room, and ends it with a NUL. Returns its size, or -1 with errno. */
static ssize_t read_file(int folder, const char *path, char *text, size_t room, struct stat *status) {
    int fd = openat(folder, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t size = 0, got = fstat(fd, status);
    while (got >= 0 && (size_t)size < room && (got = read(fd, text + size, room - (size_t)size)) > 0) size += got;
    close(fd);
    if ((size_t)size == room) errno = EFBIG;
    if (got < 0 || (size_t)size == room) return -1;
    text[size] = 0;
    return size;
}

/* The same for text, without a NUL in it. */
static bool read_text(int folder, const char *path, char *text, size_t room, struct stat *status) {
    ssize_t size = read_file(folder, path, text, room, status);
    bool good = size >= 0 && strlen(text) == (size_t)size;
    if (size >= 0 && !good) errno = EILSEQ;
    return good;
}

/* Whoever reads the file finds the old text, if any, or the new. */
static bool write_file(const char *name, const char *first, const char *second) {
    char temporary[64];
    snprintf(temporary, sizeof temporary, ".%s", name);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
    bool good = fd >= 0 && dprintf(fd, "%s%s", first, second) == (int)(strlen(first) + strlen(second));
    return close(fd) == 0 && good && rename(temporary, name) == 0;
}

/* Whether nobody but root and us can have written it. */
static bool is_closed(const struct stat *status) {
    return (status->st_mode & (S_IWGRP | S_IWOTH)) == 0 && (status->st_uid == 0 || status->st_uid == geteuid());
}

/* A field of /proc/PID/stat behind the name, which may hold anything. */
static const char *field(const char *stat, int number) {
    const char *at = strrchr(stat, ')');
    for (int i = 2; at && i < number; i++) at = strchr(at + 1, ' ');
    return at ? at + 1 : "";
}

/* Whether a process lives that a file names as "PID START"; as ProcessId of linux/ has it. */
static bool is_alive(const char *process) {
    char path[64], text[2048];
    struct stat status;
    size_t digits = strspn(process, "0123456789");
    if (digits == 0 || digits > 10 || process[digits] != ' ') return false;
    snprintf(path, sizeof path, "/proc/%.*s/stat", (int)digits, process);
    if (read_file(AT_FDCWD, path, text, sizeof text, &status) < 0) return false;
    const char *start = process + digits + 1, *found = field(text, 22), *state = field(text, 3);
    size_t size = strspn(found, "0123456789");
    if (size == 0 || strlen(start) != size || strncmp(start, found, size) != 0) return false;
    /* A zombie has ended, but not if its first thread alone has: field 20 counts those that are left. */
    return (*state != 'Z' && *state != 'X') || atol(field(text, 20)) > 1;
}

/* ---- the command line ---- */

static bool is(const char *word, size_t size, const char *other) {
    return strlen(other) == size && memcmp(word, other, size) == 0;
}

/* Go's flags, then the command. Of what is not understood the command stays empty: the JVM says what is wrong. */
static void read_arguments(int count, char **arguments) {
    static const char *const others[] = {"publish-binary", "bundle", "socket", "debug-socket"};
    for (int i = 1; i < count; i++) {
        const char *word = arguments[i];
        if (word[0] != '-') {
            if (i == count - 1 && (strcmp(word, "start") == 0 || strcmp(word, "delete") == 0)) command = word;
            return;
        }
        word += word[1] == '-' ? 2 : 1;
        size_t size = strcspn(word, "=");
        if (is(word, size, "debug")) continue;
        const char *unused, **value = is(word, size, "id") ? &id : is(word, size, "namespace") ? &namespace :
                                      is(word, size, "address") ? &address : NULL;
        for (int other = 0; other < 4; other++)
            if (is(word, size, others[other])) value = &unused;
        if (!value || (!word[size] && ++i == count)) return;
        *value = word[size] ? word + size + 1 : arguments[i];
    }
}

/* Whether a text is made of letters, digits and the others, and begins with none of the others. */
static bool is_plain(const char *text, const char *others) {
    const char *all = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    if (!*text || !strchr(all, *text)) return false;
    while (*text && (strchr(all, *text) || strchr(others, *text))) text++;
    return !*text;
}

/* ---- start: joining the shim of a node ---- */

/* Whether the containers of a node share one shim, by a configuration, which is cut into lines. Each must be plain: a key
   and a number, a word, or a string without blanks and escapes. */
static bool is_node(char *config) {
    bool node = strcmp(DEFAULT_GROUPING, "node") == 0;
    for (char *line = config, *next; line; line = next) {
        char key[64], value[256], end = '#';
        next = strchr(line, '\n');
        if (next) *next++ = 0;
        line += strspn(line, " \t");
        if (!*line || *line == '#') continue;
        if (sscanf(line, "%63[A-Za-z0-9_-] = %255[A-Za-z0-9_.:/\"-] %c", key, value, &end) < 2 || end != '#' ||
            strstr(value, "\"\"\""))
            return false;
        if (strcmp(key, "Grouping") == 0 && !(node = strcmp(value, "\"node\"") == 0)) return false;
    }
    return node;
}

/* What the shim of a group has left in the group's folder. */
struct record {
    char text[4096];
    const char *shim, *caller, *answer, *protocol, *socket; /* empty if they are missing */
    struct stat status;
};

static bool read_record(int groups, const char *folder, struct record *record) {
    struct {
        const char *key, **value;
    } keys[] = {{"shim", &record->shim}, {"caller", &record->caller}, {"answer", &record->answer},
                {"protocol", &record->protocol}, {"socket", &record->socket}};
    char path[NAME_MAX + 8];
    snprintf(path, sizeof path, "%s/reply", folder);
    if (!read_text(groups, path, record->text, sizeof record->text, &record->status)) return false;
    for (int i = 0; i < 5; i++) *keys[i].value = "";
    for (char *line = record->text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next) *next++ = 0;
        size_t size = strcspn(line, " ");
        for (int i = 0; line[size] && i < 5; i++)
            if (is(line, size, keys[i].key)) *keys[i].value = line + size + 1;
    }
    return true;
}

/* Whether the shim lives and has told our caller what it would tell it now. */
static bool is_known(const struct record *record, const struct stat *config) {
    struct timespec told = record->status.st_mtim, changed = config->st_mtim;
    bool newer = changed.tv_sec > told.tv_sec || (changed.tv_sec == told.tv_sec && changed.tv_nsec > told.tv_nsec);
    return !newer && strcmp(record->protocol, "ttrpc") == 0 && *record->answer && *record->socket == '/' &&
           atol(record->caller) == getppid() && is_alive(record->caller) && is_alive(record->shim);
}

/* What was read from stdin. */
static char options[TEXT];
static ssize_t options_size;

/* Reads stdin. False if there is more than has room, or if the options may have words of their own for the grouping. */
static bool read_options(void) {
    for (ssize_t got; options_size < TEXT; options_size += got) {
        got = read(0, options + options_size, (size_t)(TEXT - options_size));
        if (got < 0) fail("cannot read the options on stdin");
        if (got == 0) return !memmem(options, (size_t)options_size, "runtimeoptions", strlen("runtimeoptions"));
    }
    return false;
}

/* Lets stdin begin again, for the JVM. */
static void give_back_options(void) {
    if (options_size == 0) return;
    int fd = open("jshim.options", O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) fail("cannot write jshim.options in the bundle");
    unlink("jshim.options");
    while (options_size > 0 && write(fd, options, (size_t)options_size) == options_size) options_size = read(0, options, TEXT);
    if (options_size != 0 || lseek(fd, 0, SEEK_SET) != 0 || dup2(fd, 0) != 0) fail("cannot write the options to jshim.options in the bundle");
}

/* Joins the shim of the node, if it runs and has answered our caller before. Does what GroupFolder and Start do then. */
static bool join(void) {
    static char text[TEXT];
    static struct record record;
    struct stat config = {0}, status;
    char identity[PATH_MAX + NAME_MAX], folder[65], joined[80], pid[16];
    const char *path = getenv("JSHIM_CONFIG"); /* for tests */
    if (!read_text(AT_FDCWD, path && *path ? path : CONFIG, text, sizeof text, &config) && errno != ENOENT) return false;
    if (!is_node(text) || isatty(0) || access("config.json", F_OK) != 0) return false; /* a sandbox's bundle has none */
    if (!is_plain(namespace, "._-") || !is_plain(id, "._-")) return false;
    if (snprintf(identity, sizeof identity, "%s/%s//node", address, namespace) >= (int)sizeof identity) return false;
    sha256(identity, folder);
    int groups = open(GROUPS, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (!read_record(groups, folder, &record) || !is_known(&record, &config) || !read_options()) return false;
    snprintf(joined, sizeof joined, "%s/joined", folder);
    if (close(openat(groups, joined, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) != 0) return false;
    /* Only now: a shim that ends moves its folder away first and looks at that file then. */
    if (!read_record(groups, folder, &record) || !is_known(&record, &config)) return false;
    if (stat(record.socket, &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
    snprintf(pid, sizeof pid, "%.*s", (int)strcspn(record.shim, " "), record.shim);
    if (!write_file("address", "unix://", record.socket) || !write_file("shim.pid", pid, "")) return false;
    if (dprintf(1, "%s\n", record.answer) < 0) fail("cannot write the answer to stdout");
    return true;
}

/* ---- delete: after a clean exit ---- */

static bool is_missing(int folder, const char *name) {
    struct stat status;
    return fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
}

/* Whether anything is mounted at or below the rootfs of a container of this id, in whatever folder. */
static bool is_mounted(void) {
    static char buffer[TEXT];
    char rootfs[NAME_MAX + 16], *line = NULL;
    size_t room = 0;
    snprintf(rootfs, sizeof rootfs, "/%s/rootfs", id);
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    if (!mounts) return true;
    setvbuf(mounts, buffer, _IOFBF, sizeof buffer);
    bool found = false;
    while (!found && getline(&line, &room, mounts) > 0) found = strstr(line, rootfs) != NULL;
    found = found || !feof(mounts);
    free(line);
    fclose(mounts);
    return found;
}

/* Whether a shim that died has left the folder of the group that the bundle's address names. The address is the path of a
   socket, in the folder or with the first half of its name, and perhaps with words around it. */
static bool has_dead_group(int bundle) {
    static struct record record;
    struct stat status;
    char text[4096], *group = NULL;
    if (!read_text(bundle, "address", text, sizeof text, &status)) return errno != ENOENT;
    if ((group = strstr(text, GROUPS "/"))) group += strlen(GROUPS "/");
    else if ((group = strstr(text, "/jshim-"))) group += strlen("/jshim-");
    size_t size = group ? strspn(group, "0123456789abcdef") : 0;
    DIR *groups = size ? opendir(GROUPS) : NULL;
    bool dead = false;
    for (struct dirent *entry; groups && !dead && (entry = readdir(groups));)
        dead = strncmp(entry->d_name, group, size) == 0 && read_record(dirfd(groups), entry->d_name, &record) &&
               *record.shim && !is_alive(record.shim);
    if (groups) closedir(groups);
    return dead;
}

/* Prints what the shim has left, if that is all there is to do: it has forgotten the runtime, and nothing is adopted. */
static bool delete(void) {
    char answer[4096];
    struct stat folder, file;
    int parent = open("..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int bundle = is_plain(id, "._-") ? openat(parent, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (bundle < 0 || fstat(bundle, &folder) != 0 || !is_closed(&folder)) return false;
    if (!is_missing(bundle, "runtime-root") || !is_missing(bundle, "jshim.v1")) return false;
    ssize_t size = read_file(bundle, "exit.pb", answer, sizeof answer, &file);
    if (size <= 0 || !is_closed(&file) || is_mounted() || has_dead_group(bundle)) return false;
    if (write(1, answer, (size_t)size) != size) fail("cannot write the answer to stdout");
    return true;
}

/* ---- all else ---- */

/* Sets script to that of the tree that a program is in, whose path is cut. */
static bool find_script(char *program, char script[PATH_MAX + 32]) {
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(program, '/');
        if (!slash) return false;
        *slash = 0;
    }
    snprintf(script, PATH_MAX + 32, "%s/lib/sh/shim.sh", program);
    return access(script, R_OK) == 0;
}

/* The same, for the program of a name in PATH. */
static bool find_in_path(const char *name, char script[PATH_MAX + 32]) {
    const char *path = getenv("PATH");
    for (size_t size; path && *path; path += size + (path[size] == ':')) {
        char link[PATH_MAX], program[PATH_MAX];
        size = strcspn(path, ":");
        int length = snprintf(link, sizeof link, "%.*s/%s", (int)size, path, name);
        if (*path == '/' && length < PATH_MAX && realpath(link, program) && find_script(program, script)) return true;
    }
    return false;
}

static _Noreturn void run_shell(int count, char **arguments) {
    const char *end = strstr(arguments[0], "-v2-process"), *name = NAME;
    if (!IS_V1 && end && strcmp(end, "-v2-process") == 0) name = "containerd-shim-v2-process"; /* its link's name */
    char self[PATH_MAX] = "", program[PATH_MAX], script[PATH_MAX + 32];
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) snprintf(self, sizeof self, "%s", arguments[0]);
    memcpy(program, self, sizeof self);
    /* What runs must not move to another tree when a link to it is turned: the script's path has none. */
    if (!find_script(program, script) && !find_in_path(name, script)) {
        dprintf(2, "%s: this copy has no lib folder beside its own, and no %s in PATH has one: replace it with a link to the program\n",
                self, name);
        exit(1);
    }
    const char **all = calloc((size_t)count + 6, sizeof *all), *first[] = {"sh", script, name, command, id};
    memcpy(all, first, sizeof first);
    for (int i = 1; i < count; i++) all[4 + i] = arguments[i];
    execv("/bin/sh", (char **)(uintptr_t)all);
    fail("cannot run /bin/sh");
}

int main(int count, char **arguments) {
    umask(umask(022) | 022); /* root believes what we write */
    int fd;
    while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd < 3) continue; /* no file of ours takes the place of stdin */
    close(fd);
    read_arguments(count, arguments);
    if (strcmp(command, "delete") == 0 && delete()) return 0;
    if (strcmp(command, "start") == 0 && !IS_V1) {
        if (join()) return 0;
        give_back_options();
    }
    run_shell(count, arguments);
}
