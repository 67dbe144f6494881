package dev.jshim.linux;

import static dev.jshim.linux.FdTest.assertErrno;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Against the real kernel, below one private tmpfs that is taken away by another program than the one under test. */
@Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class MountsTest {
    @TempDir
    Path temporary;

    private Path base;
    private Path rootfs;

    @BeforeEach
    void privateBase() throws Exception {
        base = Files.createDirectory(temporary.toRealPath().resolve("base"));
        run("mount", "-t", "tmpfs", "tmpfs", base.toString());
        run("mount", "--make-rprivate", base.toString());
        rootfs = Files.createDirectory(base.resolve("rootfs"));
    }

    @AfterEach
    void cleanUp() throws Exception {
        run("umount", "-R", "-l", base.toString());
    }

    @Test
    void tmpfsWithOptions() throws Exception {
        assertThat(Mounts.isMountPoint(rootfs)).isFalse();
        Mounts.mountAll(List.of(spec("tmpfs", "tmp", "", "nosuid", "noexec", "size=64k", "mode=711")), rootfs);

        assertThat(Mounts.isMountPoint(rootfs)).isTrue();
        assertThat(mountOn(rootfs).options()).contains("nosuid", "noexec", "rw").doesNotContain("nodev");
        assertThat(mountOn(rootfs).source()).isEqualTo("tmp");
        assertThat(FileCalls.stat(rootfs).permissions()).isEqualTo(0711);
    }

    @Test
    void bindAndReadOnlyBind() throws Exception {
        Path source = Files.createDirectory(base.resolve("source"));
        Path readOnly = Files.createDirectory(base.resolve("ro"));
        Mounts.mountAll(List.of(spec("bind", source.toString(), "", "rbind", "rw")), rootfs);
        Mounts.mountAll(List.of(spec("bind", source.toString(), "", "rbind", "ro")), readOnly);

        Files.writeString(rootfs.resolve("file"), "seen");
        assertThat(readOnly.resolve("file")).hasContent("seen");
        assertThatThrownBy(() -> Files.writeString(readOnly.resolve("other"), "x"))
                .isInstanceOf(FileSystemException.class)
                .hasMessageContaining("Read-only");
        assertThat(mountOn(readOnly).options()).contains("ro");
    }

    @Test
    void propagation() throws Exception {
        Mounts.mountAll(List.of(spec("tmpfs", "tmpfs", "", "rshared")), rootfs);
        assertThat(mountinfo(rootfs)).contains(" shared:");

        Mounts.mount("", rootfs, "", MountFlags.MS_PRIVATE, "");
        assertThat(mountinfo(rootfs)).doesNotContain("shared:");
    }

    @Test
    void overlay() throws Exception {
        List<String> options = overlayOptions(2, "layer");
        Mounts.mountAll(List.of(new MountSpec("overlay", "overlay", "", options)), rootfs);

        assertThat(rootfs.resolve("from-0")).hasContent("0");
        assertThat(rootfs.resolve("from-1")).hasContent("1");
        Files.writeString(rootfs.resolve("new"), "upper");
        assertThat(base.resolve("upper/new")).hasContent("upper");
    }

    @Test
    void overlayWithMoreOptionsThanAPageHolds() throws Exception {
        List<String> options = overlayOptions(60, "a-directory-with-a-long-name-for-layer");
        assertThat(String.join(",", options).length()).isGreaterThan(5000);
        Path directory = Path.of("").toRealPath();
        Mounts.mountAll(List.of(new MountSpec("overlay", "overlay", "", options)), rootfs);

        assertThat(rootfs.resolve("from-0")).hasContent("0");
        assertThat(rootfs.resolve("from-59")).hasContent("59");
        assertThat(Path.of("/proc/self/cwd").toRealPath()).isEqualTo(directory);
    }

    @Test
    void dataThatFitsInNoWayIsRefused() throws Exception {
        MountSpec spec = new MountSpec("overlay", "overlay", "", List.of("lowerdir=/a/" + "x".repeat(5000)));

        assertErrno(Errno.E2BIG, () -> {
            Mounts.mountAll(List.of(spec), rootfs);
            return null;
        });
    }

    @Test
    void targetsBelowTheRootAndUndoOnFailure() throws Exception {
        MountSpec root = spec("tmpfs", "one", "");
        MountSpec below = spec("tmpfs", "two", "/../../missing");

        assertThatThrownBy(() -> Mounts.mountAll(List.of(root, below), rootfs))
                .hasMessage("mount two on " + rootfs + "/missing: ENOENT (No such file or directory)");
        assertThat(Mounts.isMountPoint(rootfs)).isFalse();

        Files.createDirectory(rootfs.resolve("sub"));
        Mounts.mountAll(List.of(spec("tmpfs", "two", "sub")), rootfs);
        assertThat(Mounts.isMountPoint(rootfs.resolve("sub"))).isTrue();
    }

    @Test
    void whatIsNotSupportedSaysSo() {
        for (MountSpec spec : List.of(
                spec("fuse3.fuse-overlayfs", "overlay", ""),
                spec("ext4", "/image", "", "loop"),
                spec("bind", "/", "", "rbind", "uidmap=0:1:2"))) {
            assertErrno(Errno.EOPNOTSUPP, () -> {
                Mounts.mountAll(List.of(spec), rootfs);
                return null;
            });
        }
    }

    @Test
    void unmountsStackedNestedAndBusyOnes() throws Exception {
        Mounts.mount("one", rootfs, "tmpfs", 0, "");
        Mounts.mount("two", rootfs, "tmpfs", 0, "");
        Path nested = Files.createDirectories(rootfs.resolve("a/b c"));
        Mounts.mount("three", nested, "tmpfs", 0, "");
        Path sibling = Files.createDirectory(base.resolve("rootfs2"));
        Mounts.mount("four", sibling, "tmpfs", 0, "");
        Path open = Files.writeString(nested.resolve("open"), "still here");
        try (Fd busy = FileCalls.open(open, OpenFlags.O_RDONLY, 0)) {
            assertErrno(Errno.EBUSY, () -> {
                Mounts.unmount(nested, MountFlags.UMOUNT_NOFOLLOW);
                return null;
            });
            Mounts.unmountRecursive(rootfs);

            assertThat(busy.read(new byte[20], 0, 20)).isEqualTo(10);
        }
        assertThat(MountPoint.all()).noneMatch(mount -> mount.isAtOrBelow(rootfs));
        assertThat(Mounts.isMountPoint(sibling)).isTrue();
    }

    @Test
    void nothingToUnmountIsNoError() throws Exception {
        Mounts.unmountRecursive(rootfs);
        Mounts.unmountRecursive(base.resolve("missing"));
        Mounts.unmountRecursive(base.resolve("missing/below"));

        assertThat(Mounts.isMountPoint(base.resolve("missing/below"))).isFalse();
        assertThat(Mounts.isMountPoint(Path.of("/"))).isTrue();
        assertErrno(Errno.EINVAL, () -> {
            Mounts.unmount(rootfs, 0);
            return null;
        });
    }

    private List<String> overlayOptions(int layers, String name) throws IOException {
        List<String> lower = new ArrayList<>();
        for (int i = 0; i < layers; i++) {
            Path layer = Files.createDirectories(base.resolve("snapshots").resolve(name + i));
            Files.writeString(layer.resolve("from-" + i), Integer.toString(i));
            lower.add(layer.toString());
        }
        return List.of(
                "workdir=" + Files.createDirectory(base.resolve("work")),
                "upperdir=" + Files.createDirectory(base.resolve("upper")),
                "lowerdir=" + String.join(":", lower));
    }

    private static MountSpec spec(String type, String source, String target, String... options) {
        return new MountSpec(type, source, target, List.of(options));
    }

    private static MountPoint mountOn(Path path) throws IOException {
        return MountPoint.all().reversed().stream()
                .filter(mount -> mount.path().equals(path.toString()))
                .findFirst()
                .orElseThrow();
    }

    private static String mountinfo(Path path) throws IOException {
        return Files.readAllLines(Path.of("/proc/self/mountinfo")).stream()
                .filter(line -> line.contains(" " + path + " "))
                .findFirst()
                .orElseThrow();
    }

    private static void run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).inheritIO().start();
        if (!process.waitFor(10, TimeUnit.SECONDS) || process.exitValue() != 0) {
            process.destroyForcibly();
            throw new AssertionError(String.join(" ", command) + " failed");
        }
    }
}
