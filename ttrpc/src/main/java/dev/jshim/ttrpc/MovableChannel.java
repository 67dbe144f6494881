package dev.jshim.ttrpc;

import java.nio.channels.ByteChannel;

/**
 * A connection that can leave a server while its peer stays connected, to be served by another process. Reads and
 * writes park the thread that waits: virtual threads may use it.
 */
public interface MovableChannel extends ByteChannel {
    /**
     * Makes the read that waits now, and each later one, throw {@link java.io.InterruptedIOException} without taking
     * anything of what the peer sent.
     */
    void stopReading();

    /** Makes reads possible again. */
    void resumeReading();

    /** Ends the connection for the peer, before {@link #close} gives the descriptor back. */
    void shutdown();
}
