package dev.jshim.ctl.task;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import dev.jshim.linux.Processes;
import dev.jshim.linux.Terminal;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ExecTerminalTest {
    private static final int SIGWINCH = 28;
    private static final Terminal.Size FIRST = new Terminal.Size(80, 24);
    private static final Terminal.Size SECOND = new Terminal.Size(77, 40);
    private static final Terminal.Size THIRD = new Terminal.Size(99, 40);

    private final List<Terminal.Size> told = new CopyOnWriteArrayList<>();
    private final CountDownLatch isAtSecond = new CountDownLatch(1);
    private final CountDownLatch areThree = new CountDownLatch(3);
    private final CountDownLatch go = new CountDownLatch(1);

    /** As of {@code stty rows 40 cols 99}, which changes it twice. */
    @Test
    void theLastSizeIsToldLast() throws Exception {
        try (var master = FileCalls.open(Path.of("/dev/ptmx"), OpenFlags.O_RDWR | OpenFlags.O_NOCTTY, 0)) {
            Terminal.resize(master, FIRST);
            var terminal = ExecTerminal.of(master);
            terminal.follow(this::tell);

            Terminal.resize(master, SECOND);
            Processes.kill(Processes.getpid(), SIGWINCH);
            assertThat(isAtSecond.await(30, TimeUnit.SECONDS)).isTrue();
            Terminal.resize(master, THIRD);
            Processes.kill(Processes.getpid(), SIGWINCH);
            Thread.sleep(200);
            go.countDown();

            assertThat(areThree.await(30, TimeUnit.SECONDS)).isTrue();
            assertThat(told).containsExactly(FIRST, SECOND, THIRD);
        }
    }

    private void tell(Terminal.Size size) {
        if (size.equals(SECOND)) {
            isAtSecond.countDown();
            try {
                assertThat(go.await(30, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
        told.add(size);
        areThree.countDown();
    }
}
