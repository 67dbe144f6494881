package dev.jshim.linux;

import static dev.jshim.linux.FdTest.assertErrno;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 10, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class FileCallsTest {
    @TempDir
    Path directory;

    @Test
    void makesAFifo() throws Exception {
        Path fifo = directory.resolve("fifo ü");
        FileCalls.mkfifo(fifo, 0600);

        assertThat(FileCalls.stat(fifo)).satisfies(status -> {
            assertThat(status.isFifo()).isTrue();
            assertThat(status.isRegular()).isFalse();
            assertThat(status.permissions()).isEqualTo(0600);
        });
        assertThat(Files.exists(fifo)).isTrue();
        assertErrno(Errno.EEXIST, () -> {
            FileCalls.mkfifo(fifo, 0600);
            return null;
        });
        assertErrno(Errno.ENXIO, () -> FileCalls.open(fifo, OpenFlags.O_WRONLY | OpenFlags.O_NONBLOCK, 0));
        try (Fd reader = FileCalls.open(fifo, OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK, 0)) {
            assertThat(FileCalls.fstat(reader)).isEqualTo(FileCalls.stat(fifo));
        }
    }

    @Test
    void statSaysWhatTheJdkSays() throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "12345");
        FileCalls.chmod(file, 0640);
        FileCalls.chown(file, 7, -1);
        Path link = Files.createSymbolicLink(directory.resolve("link"), file);

        FileStatus status = FileCalls.stat(link);
        assertThat(status.isRegular()).isTrue();
        assertThat(status.size()).isEqualTo(5);
        assertThat(status.uid()).isEqualTo(7);
        assertThat(status.gid()).isZero();
        assertThat(status.device()).isEqualTo(Files.getAttribute(file, "unix:dev"));
        assertThat(status.inode()).isEqualTo(Files.getAttribute(file, "unix:ino"));
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-r-----");
        assertThat(FileCalls.lstat(link).isSymbolicLink()).isTrue();
        assertThat(FileCalls.stat(directory).isDirectory()).isTrue();
        assertErrno(Errno.ENOENT, () -> FileCalls.stat(directory.resolve("missing")));
    }

    @Test
    void namesADevice() throws Exception {
        FileStatus status = FileCalls.stat(Path.of("/dev/null"));

        assertThat(status.isCharacterDevice()).isTrue();
        assertThat(status.specialDevice()).isEqualTo((1 << 8) | 3);
    }

    @Test
    void worksOnOpenFiles() throws Exception {
        try (Fd fd = FileCalls.open(directory.resolve("new"), OpenFlags.O_WRONLY | OpenFlags.O_CREAT, 0600)) {
            fd.writeFully(new byte[3]);
            FileCalls.fchown(fd, 3, 4);
            FileCalls.fsync(fd);

            assertThat(FileCalls.fstat(fd)).satisfies(status -> {
                assertThat(status.size()).isEqualTo(3);
                assertThat(status.uid()).isEqualTo(3);
                assertThat(status.gid()).isEqualTo(4);
            });
        }
    }

    @Test
    void changesTheCapacityOfAPipe() throws Exception {
        try (Pipe pipe = FileCalls.pipe()) {
            assertThat(FileCalls.setPipeCapacity(pipe.writeEnd(), 1 << 17)).isEqualTo(1 << 17);
            assertThat(FileCalls.pipeCapacity(pipe.readEnd())).isEqualTo(1 << 17);
        }
    }

    @Test
    void umaskReturnsTheOneBefore() {
        int before = FileCalls.umask(077);
        int ours = FileCalls.umask(before);

        assertThat(ours).isEqualTo(077);
    }

    @Test
    void whatOthersMayWriteIsNotClosed() throws Exception {
        Path file = Files.createFile(directory.resolve("f"));
        for (String mode : new String[] {"rw-r--r--", "rwx--x--x", "rw-rw-r--", "rw----rw-", "rw----rwx"}) {
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
            assertThat(FileCalls.isClosed(file)).as(mode).isEqualTo(mode.lastIndexOf('w') == 1);
        }
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        assertThat(FileCalls.isClosed(Files.createSymbolicLink(directory.resolve("link"), file)))
                .isFalse();
        assumeTrue(FileCalls.stat(file).uid() == 0, "only root can give a file away");
        FileCalls.chown(file, 12345, -1);
        assertThat(FileCalls.isClosed(file)).isFalse();
    }

    @Test
    void aLockThatAnotherProcessHolds() throws Exception {
        Path file = Files.createFile(directory.resolve("locked"));
        assertThat(FileCalls.isFlocked(file)).isFalse();
        Process holder =
                new ProcessBuilder("flock", "--exclusive", file.toString(), "sh", "-c", "echo; exec cat").start();
        try {
            assertThat(holder.getInputStream().read()).isEqualTo('\n');
            assertThat(FileCalls.isFlocked(file)).isTrue();
        } finally {
            holder.getOutputStream().close();
            holder.waitFor();
        }
        assertThat(FileCalls.isFlocked(file))
                .as("it does not keep it itself either")
                .isFalse();
        assertErrno(Errno.ENOENT, () -> FileCalls.isFlocked(directory.resolve("none")));
    }

    @Test
    void aLockOnADirectory() throws Exception {
        try (Fd lock = FileCalls.lockDirectory(directory)) {
            assertThat(lock).isNotNull();
            assertThat(FileCalls.isFlocked(directory)).isTrue();
            assertThat(FileCalls.lockDirectory(directory)).isNull();
        }
        assertThat(FileCalls.isFlocked(directory)).isFalse();
        try (Fd again = FileCalls.lockDirectory(directory)) {
            assertThat(again).isNotNull();
        }
        assertErrno(Errno.ENOTDIR, () -> FileCalls.lockDirectory(Files.createFile(directory.resolve("file"))));
        assertErrno(Errno.ENOENT, () -> FileCalls.lockDirectory(directory.resolve("none")));
    }
}
