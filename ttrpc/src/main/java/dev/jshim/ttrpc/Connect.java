package dev.jshim.ttrpc;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** Connects to a unix socket, with a limit on the wait for a peer that does not accept. */
final class Connect {
    private final Path socket;
    private final Duration timeout;

    private Connect(Path socket, Duration timeout) {
        this.socket = socket;
        this.timeout = timeout;
    }

    /** The connection, in blocking mode; errors as of {@link TtrpcChannel#connect}. */
    static SocketChannel to(Path socket, Duration timeout) throws IOException {
        Connect connect = new Connect(socket, timeout);
        try {
            return connect.run();
        } catch (ConnectException e) {
            throw e;
        } catch (SocketException e) {
            if (!Thread.currentThread().isVirtual()) {
                throw e;
            }
            // If the peer's backlog is full the kernel lets a blocking connect wait, as here it should. In a virtual
            // thread the JDK's is none, and fails at once with EAGAIN, which it has no exception of its own for.
            return connect.runInPlatformThread();
        }
    }

    private SocketChannel run() throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        // Whoever is first: a watchdog that is late must not close a connection that is made.
        AtomicBoolean decided = new AtomicBoolean();
        Future<?> watchdog = Timer.shared()
                .schedule(
                        () -> {
                            if (decided.compareAndSet(false, true)) {
                                closeQuietly(channel);
                            }
                        },
                        timeout.toNanos(),
                        TimeUnit.NANOSECONDS);
        try {
            channel.connect(UnixDomainSocketAddress.of(socket));
        } catch (ClosedChannelException e) {
            throw late(e);
        } catch (IOException | RuntimeException e) {
            closeQuietly(channel);
            throw e;
        } finally {
            var _ = watchdog.cancel(false);
        }
        if (!decided.compareAndSet(false, true)) {
            throw late(null);
        }
        return channel;
    }

    private SocketTimeoutException late(@Nullable Throwable cause) {
        SocketTimeoutException late = new SocketTimeoutException("no answer from " + socket + " in " + timeout);
        late.initCause(cause);
        return late;
    }

    private SocketChannel runInPlatformThread() throws IOException {
        FutureTask<SocketChannel> task = new FutureTask<>(this::run);
        Thread.ofPlatform().daemon().name("ttrpc-connect").start(task);
        try {
            return task.get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException known ? known : new IOException(e.getCause());
        } catch (InterruptedException e) {
            task.cancel(true);
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while connecting to " + socket);
        }
    }

    private static void closeQuietly(SocketChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            Log.warn("cannot close a socket", e);
        }
    }
}
