package dev.jshim.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LayoutsTest {
    @TempDir
    Path directory;

    @Test
    void structuresAndConstants() throws Exception {
        Map<String, Number> ours = new LinkedHashMap<>();
        ours.put("sizeof(struct epoll_event)", Layouts.EPOLL_EVENT_SIZE);
        ours.put("offsetof(struct epoll_event, data)", Layouts.EPOLL_EVENT_DATA);
        ours.put("sizeof(struct inotify_event)", Layouts.INOTIFY_EVENT_SIZE);
        ours.put("offsetof(struct inotify_event, wd)", Layouts.INOTIFY_EVENT_WATCH);
        ours.put("offsetof(struct inotify_event, len)", Layouts.INOTIFY_EVENT_LENGTH);
        ours.put("IN_MODIFY", Inotify.MODIFY);
        ours.put("sizeof(siginfo_t)", Layouts.SIGINFO_SIZE);
        ours.put("offsetof(siginfo_t, si_code)", Layouts.SIGINFO_CODE);
        ours.put("offsetof(siginfo_t, si_pid)", Layouts.SIGINFO_PID);
        ours.put("offsetof(siginfo_t, si_status)", Layouts.SIGINFO_STATUS);
        ours.put("sizeof(sigset_t)", Layouts.SIGSET_SIZE);
        ours.put("sizeof(struct statx)", Layouts.STATX_SIZE);
        ours.put("offsetof(struct statx, stx_uid)", Layouts.STATX_UID);
        ours.put("offsetof(struct statx, stx_gid)", Layouts.STATX_GID);
        ours.put("offsetof(struct statx, stx_mode)", Layouts.STATX_MODE);
        ours.put("offsetof(struct statx, stx_ino)", Layouts.STATX_INO);
        ours.put("offsetof(struct statx, stx_size)", Layouts.STATX_SIZE_FIELD);
        ours.put("offsetof(struct statx, stx_rdev_major)", Layouts.STATX_RDEV_MAJOR);
        ours.put("offsetof(struct statx, stx_dev_major)", Layouts.STATX_DEV_MAJOR);
        ours.put("O_CREAT", OpenFlags.O_CREAT);
        ours.put("O_EXCL", OpenFlags.O_EXCL);
        ours.put("O_NOCTTY", OpenFlags.O_NOCTTY);
        ours.put("O_TRUNC", OpenFlags.O_TRUNC);
        ours.put("O_APPEND", OpenFlags.O_APPEND);
        ours.put("O_NONBLOCK", OpenFlags.O_NONBLOCK);
        ours.put("O_DIRECTORY", OpenFlags.O_DIRECTORY);
        ours.put("O_NOFOLLOW", OpenFlags.O_NOFOLLOW);
        ours.put("O_CLOEXEC", OpenFlags.O_CLOEXEC);
        ours.put("O_PATH", OpenFlags.O_PATH);
        ours.put("EPOLLIN", Epoll.IN);
        ours.put("EPOLLOUT", Epoll.OUT);
        ours.put("EPOLLERR", Epoll.ERR);
        ours.put("EPOLLHUP", Epoll.HUP);
        ours.put("EPOLLRDHUP", Epoll.RDHUP);
        ours.put("(int) EPOLLONESHOT", Epoll.ONESHOT);
        ours.put("(int) EPOLLET", Epoll.EDGE_TRIGGERED);
        ours.put("MS_RDONLY", MountFlags.MS_RDONLY);
        ours.put("MS_NOSUID", MountFlags.MS_NOSUID);
        ours.put("MS_NODEV", MountFlags.MS_NODEV);
        ours.put("MS_NOEXEC", MountFlags.MS_NOEXEC);
        ours.put("MS_SYNCHRONOUS", MountFlags.MS_SYNCHRONOUS);
        ours.put("MS_REMOUNT", MountFlags.MS_REMOUNT);
        ours.put("MS_MANDLOCK", MountFlags.MS_MANDLOCK);
        ours.put("MS_DIRSYNC", MountFlags.MS_DIRSYNC);
        ours.put("MS_NOATIME", MountFlags.MS_NOATIME);
        ours.put("MS_NODIRATIME", MountFlags.MS_NODIRATIME);
        ours.put("MS_BIND", MountFlags.MS_BIND);
        ours.put("MS_MOVE", MountFlags.MS_MOVE);
        ours.put("MS_REC", MountFlags.MS_REC);
        ours.put("MS_SILENT", MountFlags.MS_SILENT);
        ours.put("MS_UNBINDABLE", MountFlags.MS_UNBINDABLE);
        ours.put("MS_PRIVATE", MountFlags.MS_PRIVATE);
        ours.put("MS_SLAVE", MountFlags.MS_SLAVE);
        ours.put("MS_SHARED", MountFlags.MS_SHARED);
        ours.put("MS_RELATIME", MountFlags.MS_RELATIME);
        ours.put("MS_STRICTATIME", MountFlags.MS_STRICTATIME);
        ours.put("MNT_DETACH", MountFlags.MNT_DETACH);
        ours.put("UMOUNT_NOFOLLOW", MountFlags.UMOUNT_NOFOLLOW);

        assertThat(evaluate("""
                #define _GNU_SOURCE
                #include <fcntl.h>
                #include <signal.h>
                #include <stddef.h>
                #include <sys/epoll.h>
                #include <sys/inotify.h>
                #include <sys/mount.h>
                #include <sys/stat.h>
                """, List.copyOf(ours.keySet())))
                .containsExactlyElementsOf(
                        ours.values().stream().map(Number::longValue).toList());
    }

    /** The kernel's structure, whose header cannot be read together with glibc's. */
    @Test
    void termios() throws Exception {
        assertThat(evaluate(
                        "#include <stddef.h>\n#include <asm/termbits.h>",
                        List.of("sizeof(struct termios)", "offsetof(struct termios, c_cc)", "VTIME", "VMIN")))
                .containsExactly((long) Layouts.TERMIOS_SIZE, (long) Layouts.TERMIOS_CC, (long) Layouts.VTIME, (long)
                        Layouts.VMIN);
    }

    @Test
    void reservedSpaceIsEnough() throws Exception {
        assertThat(evaluate(
                        "#include <spawn.h>",
                        List.of("sizeof(posix_spawnattr_t)", "sizeof(posix_spawn_file_actions_t)")))
                .satisfies(sizes -> assertThat(sizes.get(0)).isLessThanOrEqualTo(Layouts.SPAWN_ATTRIBUTES_SIZE))
                .satisfies(sizes -> assertThat(sizes.get(1)).isLessThanOrEqualTo(Layouts.SPAWN_ACTIONS_SIZE));
    }

    @Test
    void systemCallNumbersOfThisMachine() throws Exception {
        assertThat(evaluate("#include <sys/syscall.h>", callNames()))
                .containsExactlyElementsOf(Arrays.stream(Syscall.values())
                        .map(c -> (long) c.number())
                        .toList());
    }

    @Test
    void systemCallNumbersOfAarch64() throws Exception {
        assertThat(evaluate("#include <asm-generic/unistd.h>", callNames()))
                .containsExactlyElementsOf(
                        Arrays.stream(Syscall.values()).map(c -> (long) c.arm()).toList());
    }

    private static List<String> callNames() {
        return Arrays.stream(Syscall.values())
                .map(call -> "__NR_" + call.name().toLowerCase(Locale.ROOT))
                .toList();
    }

    private List<Long> evaluate(String includes, List<String> expressions) throws Exception {
        String prints = expressions.stream()
                .map(expression -> "printf(\"%%lld\\n\", (long long) (%s));".formatted(expression))
                .collect(Collectors.joining("\n"));
        return CProgram.run(directory, includes + "\n#include <stdio.h>\nint main() {" + prints + "}\n").stream()
                .map(Long::valueOf)
                .toList();
    }
}
