package dev.jshim.ttrpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.ServerServiceDefinition;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A reading thread that is a moment behind those who stop it and let it go on. */
class ServerConnectionTest {
    private final Slow channel = new Slow();
    private final ServerConnection connection = new ServerConnection(channel, new NoServer());

    /** Whose first read leaves only when it is let go, and whose later ones wait for the end. */
    private static final class Slow implements MovableChannel {
        final CountDownLatch begun = new CountDownLatch(1);
        final CountDownLatch leaves = new CountDownLatch(1);
        final CountDownLatch again = new CountDownLatch(1);
        final CountDownLatch end = new CountDownLatch(1);
        final AtomicInteger reads = new AtomicInteger();

        @Override
        public int read(ByteBuffer to) throws IOException {
            try {
                if (reads.incrementAndGet() == 1) {
                    begun.countDown();
                    leaves.await();
                    throw new InterruptedIOException();
                }
                again.countDown();
                end.await();
                return -1;
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
        }

        @Override
        public int write(ByteBuffer from) {
            return 0;
        }

        @Override
        public void stopReading() {}

        @Override
        public void resumeReading() {}

        @Override
        public void shutdown() {
            end.countDown();
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {}
    }

    private static final class NoServer implements ServerConnection.Owner {
        @Override
        public Map<String, ServerServiceDefinition> services() {
            return Map.of();
        }

        @Override
        public Executor executor() {
            return Runnable::run;
        }

        @Override
        public boolean draining() {
            return false;
        }

        @Override
        public void callEnded() {}

        @Override
        public void connectionEnded(ServerConnection connection) {}
    }

    @AfterEach
    void tearDown() {
        channel.leaves.countDown();
        connection.close(null);
    }

    @Test
    void oneThatIsToGoOnBeforeItHasLeftIsReadAgain() throws Exception {
        connection.start();
        assertThat(channel.begun.await(30, TimeUnit.SECONDS)).isTrue();
        var _ = connection.stopReading(channel);
        connection.resumeReading(channel);
        channel.leaves.countDown();
        assertThat(channel.again.await(30, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void oneThatHasLeftIsReadAgainOnce() throws Exception {
        connection.start();
        var left = connection.stopReading(channel);
        channel.leaves.countDown();
        assertThat(left.get(30, TimeUnit.SECONDS)).isEmpty();
        connection.resumeReading(channel);
        connection.resumeReading(channel);
        assertThat(channel.again.await(30, TimeUnit.SECONDS)).isTrue();
        assertThat(channel.reads).hasValue(2);
    }

    @Test
    void oneThatIsStoppedOnceMoreStaysStopped() throws Exception {
        connection.start();
        var _ = connection.stopReading(channel);
        connection.resumeReading(channel);
        var left = connection.stopReading(channel);
        channel.leaves.countDown();
        assertThat(left.get(30, TimeUnit.SECONDS)).isEmpty();
        assertThat(channel.reads).hasValue(1);
    }
}
