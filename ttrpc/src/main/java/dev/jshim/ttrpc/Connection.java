package dev.jshim.ttrpc;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.ByteChannel;
import java.nio.channels.SocketChannel;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** One connected peer: a thread that reads frames, a box of frames to write. Owns the channel. */
abstract class Connection implements Outbox.Owner {
    final Outbox outbox;

    private final ByteChannel channel;
    private final byte[] before;
    private final Budget budget;
    private final ThreadFactory threads;
    private final AtomicBoolean closed = new AtomicBoolean();

    Connection(ByteChannel channel) {
        this(channel, new byte[0], Budget.ENDLESS);
    }

    /**
     * A connection on which something was read already, and is to be read again.
     *
     * @param budget what the peer can take of the heap is taken from
     */
    Connection(ByteChannel channel, byte[] before, Budget budget) {
        this.channel = channel;
        this.before = before;
        this.budget = budget;
        this.threads = Threads.of(channel);
        this.outbox = new Outbox(channel, threads, this, budget);
    }

    final void start() {
        threads.newThread(() -> {
                    try {
                        begin();
                    } catch (RuntimeException | Error e) {
                        // Open, and read by nobody, it would be waited on for good.
                        Log.warn("a connection cannot be gone on with", e);
                        close(e);
                        return;
                    }
                    read(new FrameReader(channel, before, budget));
                })
                .start();
    }

    /** In the reading thread, before it reads. */
    void begin() {}

    final ByteChannel channel() {
        return channel;
    }

    /** In the reading thread: must not wait for a call. */
    abstract void received(Frame frame) throws IOException;

    /** Called once, after the channel was closed. */
    abstract void ended(@Nullable Throwable cause);

    final boolean isClosed() {
        return closed.get();
    }

    private void read(FrameReader reader) {
        Throwable cause = null;
        try {
            for (Frame frame = reader.next(); frame != null; frame = reader.next()) {
                received(frame);
            }
        } catch (InterruptedIOException e) {
            // Another process is about to go on with it.
            return;
        } catch (IOException e) {
            cause = e;
        } catch (Throwable t) {
            Log.warn("a connection failed", t);
            cause = t;
        }
        close(cause);
    }

    @Override
    public final void writeFailed(IOException cause) {
        close(cause);
    }

    final void close(@Nullable Throwable cause) {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        outbox.close();
        try (channel) {
            if (channel instanceof SocketChannel socket) {
                // A close alone does not wake a thread that is in a native read of a channel that is not the JDK's.
                socket.shutdownInput();
                socket.shutdownOutput();
            } else if (channel instanceof NotedChannel noted) {
                noted.socket().shutdown();
            } else if (channel instanceof KeptChannel kept) {
                kept.shutdown();
            }
        } catch (IOException | RuntimeException alreadyGone) {
            // Nothing is left to be done for it.
        }
        ended(cause);
    }
}
