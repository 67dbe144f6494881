package dev.jshim.ttrpc;

/**
 * A connection that a server has let go of, between two of the peer's messages.
 *
 * <p>Two are never compared, so that the array does no harm.
 *
 * @param channel still open, nobody reads it
 * @param unread what has to be read before anything else: the requests of the calls that wait for their answers, in
 *     order, and the beginning of a message of which the rest is not there yet
 */
@SuppressWarnings("ArrayRecordComponent")
public record MovedConnection(MovableChannel channel, byte[] unread) {}
