package dev.jshim.ttrpc;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.time.Duration;

/**
 * A connection that outlives the process that serves it: somebody else holds its socket as well. Reads and writes park
 * the thread that waits, so that virtual threads may use it.
 */
public interface KeptChannel extends ByteChannel {
    /**
     * Waits for bytes and copies them without taking them off the socket.
     *
     * @return how many; -1 when the peer has ended the connection
     */
    default int peek(ByteBuffer to) throws IOException {
        return peek(to, Duration.ofDays(36_500));
    }

    /**
     * The same for a while.
     *
     * @throws java.net.SocketTimeoutException when nothing has come by then
     */
    int peek(ByteBuffer to, Duration patience) throws IOException;

    /** Whether what waits on the socket begins with these bytes. Never waits. */
    boolean beginsWith(byte[] bytes) throws IOException;

    /** Takes that many bytes off the socket, which {@link #peek} or {@link #beginsWith} has seen there. */
    void discard(int count) throws IOException;

    /**
     * Writes what the socket takes at once, perhaps nothing, and never waits. In any thread: one that is interrupted
     * does not close the connection by this.
     *
     * @return how many bytes
     */
    default int writeNow(ByteBuffer from) throws IOException {
        return 0;
    }

    /** Makes the read or peek that waits now, and each later one, throw {@link java.io.InterruptedIOException}. */
    void stopReading();

    /** Ends the connection for the peer, before {@link #close} gives the descriptor back. */
    void shutdown();
}
