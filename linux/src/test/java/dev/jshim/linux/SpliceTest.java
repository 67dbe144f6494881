package dev.jshim.linux;

import static dev.jshim.linux.FdTest.assertErrno;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 10, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SpliceTest {
    @Test
    void movesWaitsAndEnds() throws Exception {
        try (Pipe from = FileCalls.pipe();
                Pipe to = FileCalls.pipe()) {
            assertErrno(Errno.EAGAIN, () -> Splice.splice(from.readEnd(), to.writeEnd(), 100, true));
            assertThat(Splice.trySplice(from.readEnd(), to.writeEnd(), 100)).isEqualTo(Splice.WOULD_BLOCK);

            from.writeEnd().writeFully("abc".getBytes(UTF_8));
            assertThat(Splice.splice(from.readEnd(), to.writeEnd(), 100, false)).isEqualTo(3);
            byte[] got = new byte[8];
            assertThat(to.readEnd().read(got, 0, 8)).isEqualTo(3);
            assertThat(new String(got, 0, 3, UTF_8)).isEqualTo("abc");

            from.writeEnd().close();
            assertThat(Splice.splice(from.readEnd(), to.writeEnd(), 100, true)).isZero();
        }
    }

    @Test
    void writesToAFileButNotAtItsEnd(@TempDir Path directory) throws Exception {
        Path file = directory.resolve("log");
        int flags = OpenFlags.O_WRONLY | OpenFlags.O_CREAT;
        try (Pipe from = FileCalls.pipe();
                Fd plain = FileCalls.open(file, flags, 0600);
                Fd appending = FileCalls.open(file, flags | OpenFlags.O_APPEND, 0600)) {
            from.writeEnd().writeFully("line".getBytes(UTF_8));

            assertErrno(Errno.EINVAL, () -> Splice.splice(from.readEnd(), appending, 100, true));
            assertThat(Splice.splice(from.readEnd(), plain, 100, true)).isEqualTo(4);
        }
        assertThat(file).hasContent("line");
        assertThat(Files.size(file)).isEqualTo(4);
    }

    @Test
    void whatIsSplicedKeepsItsSlot() throws Exception {
        try (Pipe from = FileCalls.pipe();
                Pipe to = FileCalls.pipe()) {
            for (int i = 0; i < 16; i++) {
                assertThat(FileCalls.hasRoom(to.writeEnd())).isTrue();
                from.writeEnd().writeFully("abc".getBytes(UTF_8));
                assertThat(Splice.trySplice(from.readEnd(), to.writeEnd(), 100)).isEqualTo(3);
            }
            assertThat(FileCalls.hasRoom(to.writeEnd())).isFalse();
            assertThat(FileCalls.unread(to.writeEnd())).isEqualTo(48);
        }
    }

    @Test
    void nobodyReads() throws Exception {
        try (Pipe from = FileCalls.pipe();
                Pipe to = FileCalls.pipe()) {
            from.writeEnd().writeFully("x".getBytes(UTF_8));
            to.readEnd().close();

            assertErrno(Errno.EPIPE, () -> Splice.splice(from.readEnd(), to.writeEnd(), 100, true));
        }
    }
}
