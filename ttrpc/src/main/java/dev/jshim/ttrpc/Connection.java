package dev.jshim.ttrpc;

import java.io.IOException;
import java.nio.channels.ByteChannel;
import java.nio.channels.SocketChannel;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** One connected peer: a thread that reads frames, a box of frames to write. Owns the channel. */
abstract class Connection implements Outbox.Owner {
    final Outbox outbox;

    private final ByteChannel channel;
    private final ThreadFactory threads;
    private final AtomicBoolean closed = new AtomicBoolean();

    Connection(ByteChannel channel) {
        this.channel = channel;
        this.threads = Threads.of(channel);
        this.outbox = new Outbox(channel, threads, this);
    }

    final void start() {
        threads.newThread(this::read).start();
    }

    /** In the reading thread: must not wait for a call. */
    abstract void received(Frame frame) throws IOException;

    /** Told once, after the channel was closed. */
    abstract void ended(@Nullable Throwable cause);

    final boolean isClosed() {
        return closed.get();
    }

    private void read() {
        Throwable cause = null;
        try {
            FrameReader reader = new FrameReader(channel);
            for (Frame frame = reader.next(); frame != null; frame = reader.next()) {
                received(frame);
            }
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
            }
        } catch (IOException | RuntimeException alreadyGone) {
            // Nothing is left to be done for it.
        }
        ended(cause);
    }
}
