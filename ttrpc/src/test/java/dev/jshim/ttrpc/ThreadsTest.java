package dev.jshim.ttrpc;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.Pipe;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Where for a while no thread is to be had: a connection goes on when there is one. */
class ThreadsTest {
    private final AtomicInteger failures = new AtomicInteger(2);

    private final ThreadFactory exhausted = task -> {
        if (failures.getAndDecrement() > 0) {
            throw new OutOfMemoryError("no thread");
        }
        return Thread.ofVirtual().unstarted(task);
    };

    private static final class NoTrouble implements Outbox.Owner {
        @Override
        public void writeFailed(IOException cause) {
            throw new AssertionError(cause);
        }

        @Override
        public void readyAgain() {}
    }

    @Test
    @Timeout(30)
    void whatWasTakenOverIsSent() throws Exception {
        var pipe = Pipe.open();
        var outbox = new Outbox(pipe.sink(), exhausted, new NoTrouble(), Budget.ENDLESS);
        assertThat(outbox.send(new byte[] {1})).isTrue();
        assertThat(outbox.send(new byte[] {2})).isTrue();
        assertThat(Channels.newInputStream(pipe.source()).readNBytes(2)).containsExactly(1, 2);
    }

    @Test
    void whatIsToBeRunInOrderIsRun() throws Exception {
        var done = new CountDownLatch(2);
        var serial = new SerialExecutor(task -> exhausted.newThread(task).start());
        serial.execute(done::countDown);
        serial.execute(done::countDown);
        assertThat(done.await(30, TimeUnit.SECONDS)).isTrue();
    }
}
