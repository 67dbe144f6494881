package dev.jshim.ttrpc;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who writes what to a channel that takes a part of it at once. */
@Timeout(30)
class OutboxTest {
    private static final byte[] FIRST = {1, 2, 3};
    private static final byte[] SECOND = {4, 5};

    private final Socket socket = new Socket();
    private final List<byte[]> told = Collections.synchronizedList(new ArrayList<>());
    private final CountDownLatch failed = new CountDownLatch(1);
    private int threads;

    private final ThreadFactory factory = task -> {
        threads++;
        return Thread.ofVirtual().unstarted(task);
    };

    private final Outbox outbox = new Outbox(
            socket,
            factory,
            new Outbox.Owner() {
                @Override
                public void writeFailed(IOException cause) {
                    failed.countDown();
                }

                @Override
                public void written(byte[] frame) {
                    told.add(frame);
                }

                @Override
                public void readyAgain() {}
            },
            Budget.ENDLESS);

    @Test
    void whatIsTakenAtOnceNeedsNoThread() throws Exception {
        socket.room = 100;
        assertThat(outbox.send(FIRST)).isTrue();
        assertThat(outbox.send(SECOND)).isTrue();
        assertThat(socket.written()).containsExactly(1, 2, 3, 4, 5);
        assertThat(told).containsExactly(FIRST, SECOND);
        assertThat(threads).isZero();
        assertThat(outbox.awaitEmpty(0)).isTrue();
    }

    @Test
    void whatIsLeftIsWrittenByAThreadInOrder() throws Exception {
        socket.room = 2;
        assertThat(outbox.send(FIRST)).isTrue();
        assertThat(outbox.send(SECOND)).isTrue();
        assertThat(outbox.awaitEmpty(0)).isFalse();
        assertThat(told).isEmpty();
        socket.goOn.countDown();
        assertThat(outbox.awaitEmpty(TimeUnit.SECONDS.toNanos(20))).isTrue();
        assertThat(socket.written()).containsExactly(1, 2, 3, 4, 5);
        assertThat(told).containsExactly(FIRST, SECOND);
        assertThat(threads).isEqualTo(1);
    }

    @Test
    void aFailureIsToldByAnotherThread() throws Exception {
        socket.isBroken = true;
        assertThat(outbox.send(FIRST)).isTrue();
        assertThat(failed.await(20, TimeUnit.SECONDS)).isTrue();
        assertThat(outbox.send(SECOND)).isFalse();
        assertThat(threads).isEqualTo(1);
    }

    /** Takes so many bytes at once, and all others once it may go on. */
    private static final class Socket implements KeptChannel {
        private final CountDownLatch goOn = new CountDownLatch(1);
        private final ByteArrayOutputStream written = new ByteArrayOutputStream();
        private int room;
        private boolean isBroken;

        synchronized byte[] written() {
            return written.toByteArray();
        }

        private synchronized int take(ByteBuffer from, int most) throws IOException {
            if (isBroken) {
                throw new IOException("broken");
            }
            var bytes = new byte[Math.min(most, from.remaining())];
            from.get(bytes);
            written.writeBytes(bytes);
            return bytes.length;
        }

        @Override
        public synchronized int writeNow(ByteBuffer from) throws IOException {
            var count = take(from, room);
            room -= count;
            return count;
        }

        @Override
        public int write(ByteBuffer from) throws IOException {
            try {
                goOn.await();
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            return take(from, Integer.MAX_VALUE);
        }

        @Override
        public int read(ByteBuffer to) {
            throw new AssertionError("nobody reads");
        }

        @Override
        public int peek(ByteBuffer to, Duration patience) {
            throw new AssertionError("nobody reads");
        }

        @Override
        public boolean beginsWith(byte[] bytes) {
            return false;
        }

        @Override
        public void discard(int count) {}

        @Override
        public void stopReading() {}

        @Override
        public void shutdown() {}

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {}
    }
}
