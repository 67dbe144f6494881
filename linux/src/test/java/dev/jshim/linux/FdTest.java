package dev.jshim.linux;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class FdTest {
    @Test
    void readsWhatWasWritten() throws Exception {
        try (Pipe pipe = FileCalls.pipe()) {
            pipe.writeEnd().writeFully("hello".getBytes(UTF_8));
            byte[] buffer = new byte[10];

            assertThat(pipe.readEnd().read(buffer, 2, 8)).isEqualTo(5);
            assertThat(new String(buffer, 2, 5, UTF_8)).isEqualTo("hello");
            assertThat(pipe.readEnd().read(buffer, 0, 0)).isZero();

            pipe.writeEnd().close();
            assertThat(pipe.readEnd().read(buffer, 0, 10)).isEqualTo(-1);
        }
    }

    @Test
    void emptyAndFullPipeGiveEagain() throws Exception {
        try (Pipe pipe = FileCalls.pipe()) {
            pipe.readEnd().setNonBlocking(true);
            pipe.writeEnd().setNonBlocking(true);

            assertErrno(Errno.EAGAIN, () -> pipe.readEnd().read(new byte[1], 0, 1));
            assertErrno(Errno.EAGAIN, () -> {
                pipe.writeEnd().writeFully(new byte[1 << 20]);
                return null;
            });
            assertThat(pipe.readEnd().flags() & OpenFlags.O_NONBLOCK).isNotZero();
            pipe.readEnd().setNonBlocking(false);
            assertThat(pipe.readEnd().flags() & OpenFlags.O_NONBLOCK).isZero();
        }
    }

    @Test
    void saysOnceThatItHasBeenClosed() throws Exception {
        Pipe pipe = FileCalls.pipe();
        List<String> said = new ArrayList<>();
        pipe.readEnd().whenClosed(() -> said.add("replaced"));
        pipe.readEnd().whenClosed(() -> said.add(pipe.readEnd().isOpen() ? "before" : "after"));
        assertThat(said).isEmpty();
        pipe.readEnd().close();
        pipe.readEnd().close();
        assertThat(said).containsExactly("after");

        pipe.writeEnd().close();
        pipe.writeEnd().whenClosed(() -> said.add("too late"));
        assertThat(said).containsExactly("after", "too late");
    }

    @Test
    void closesOnce() throws Exception {
        Pipe pipe = FileCalls.pipe();
        int number = pipe.readEnd().number();
        pipe.close();

        // The number is free: the next descriptor may get it, and a second close must not hit that one.
        try (Fd other = FileCalls.open(Path.of("/dev/null"), OpenFlags.O_RDONLY, 0);
                Fd again = other.duplicateAbove(number)) {
            pipe.close();
            again.flags();
        }
        assertThat(pipe.readEnd().isOpen()).isFalse();
        assertThat(pipe.readEnd().number()).isEqualTo(-1);
        assertErrno(Errno.EBADF, () -> pipe.readEnd().read(new byte[1], 0, 1));
        assertErrno(Errno.EBADF, () -> pipe.readEnd().duplicate());
    }

    @Test
    void duplicatesAreIndependentAndClosedOnExec() throws Exception {
        try (Pipe pipe = FileCalls.pipe();
                Fd second = pipe.writeEnd().duplicate()) {
            pipe.writeEnd().close();
            second.writeFully("x".getBytes(UTF_8));

            assertThat(pipe.readEnd().read(new byte[4], 0, 4)).isEqualTo(1);
            assertThat(closeOnExec(second)).isTrue();
            second.setCloseOnExec(false);
            assertThat(closeOnExec(second)).isFalse();
        }
    }

    @Test
    void aDuplicateIsNeverOfWhatGotTheNumberAfterAClose() throws Exception {
        try (var executor = Executors.newSingleThreadExecutor()) {
            for (int i = 0; i < 2000; i++) {
                try (Pipe pipe = FileCalls.pipe()) {
                    Future<Fd> later = executor.submit(() -> {
                        pipe.readEnd().close();
                        return FileCalls.open(Path.of("/dev/null"), OpenFlags.O_RDONLY, 0);
                    });
                    try (Fd duplicate = pipe.readEnd().duplicate()) {
                        Path link = Path.of("/proc/self/fd/" + duplicate.number());
                        assertThat(Files.readSymbolicLink(link).toString()).startsWith("pipe:");
                    } catch (ErrnoException e) {
                        assertThat(e.errno()).isEqualTo(Errno.EBADF);
                    } finally {
                        later.get().close();
                    }
                }
            }
        }
    }

    @Test
    void dupToReplacesTheTarget() throws Exception {
        try (Pipe pipe = FileCalls.pipe();
                Fd target = FileCalls.open(Path.of("/dev/null"), OpenFlags.O_WRONLY, 0)) {
            pipe.writeEnd().dupTo(target.number());
            target.writeFully("ab".getBytes(UTF_8));

            assertThat(pipe.readEnd().read(new byte[4], 0, 4)).isEqualTo(2);
            assertThat(closeOnExec(target)).isFalse();

            pipe.writeEnd().dupTo(pipe.writeEnd().number());
            assertThat(closeOnExec(pipe.writeEnd())).isFalse();
        }
    }

    @Test
    void errnoBelongsToItsOwnCall(@TempDir Path directory) throws Exception {
        try (Pipe pipe = FileCalls.pipe();
                var executor = Executors.newVirtualThreadPerTaskExecutor()) {
            pipe.readEnd().setNonBlocking(true);
            List<Future<Errno>> results = new ArrayList<>();
            for (int i = 0; i < 500; i++) {
                Path missing = directory.resolve("missing" + i);
                results.add(executor.submit(() -> errno(() -> FileCalls.open(missing, OpenFlags.O_RDONLY, 0))));
                results.add(executor.submit(() -> errno(() -> pipe.readEnd().read(new byte[1], 0, 1))));
            }
            for (int i = 0; i < results.size(); i++) {
                assertThat(results.get(i).get(30, TimeUnit.SECONDS))
                        .isEqualTo(i % 2 == 0 ? Errno.ENOENT : Errno.EAGAIN);
            }
        }
    }

    static void assertErrno(Errno errno, Callable<?> call) {
        assertThatThrownBy(call::call)
                .isInstanceOfSatisfying(
                        ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(errno));
    }

    private static Errno errno(Callable<?> call) throws Exception {
        try {
            call.call();
            return Errno.UNKNOWN;
        } catch (ErrnoException e) {
            return e.errno();
        }
    }

    private static boolean closeOnExec(Fd fd) throws Exception {
        String flags = Files.readAllLines(Path.of("/proc/self/fdinfo/" + fd.number())).stream()
                .filter(line -> line.startsWith("flags:"))
                .findFirst()
                .orElseThrow();
        return (Integer.parseInt(flags.substring(6).trim(), 8) & OpenFlags.O_CLOEXEC) != 0;
    }
}
