package dev.jshim.ttrpc;

import com.google.protobuf.MessageLite;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.io.EOFException;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;

/**
 * A client's side of a connection that outlives this process: unary calls, one at a time, whose answers carry nothing
 * but a status. An answer stays on the socket until {@link #settle}, so that a process that comes after this one finds
 * it there if what it means has not been noted. For one thread.
 */
public final class KeptClient implements AutoCloseable {
    private static final long LOOK_NANOS = 1_000_000;

    private final KeptChannel socket;
    private int lastId;
    private int answered;

    /**
     * A client on a connection.
     *
     * @param lastId the id of the last call that was made on it; -1 if there was none
     */
    public KeptClient(KeptChannel socket, int lastId) {
        this.socket = socket;
        this.lastId = lastId;
    }

    /** The id of the next call, to be noted before {@link #send}. */
    public int nextId() {
        return lastId + 2;
    }

    /**
     * Sends a call. One that was sent before may be sent again under its id if no answer comes: a server that has got
     * it refuses the second one with INVALID_ARGUMENT (ttrpc server.go, v1.2.8); older ones take it twice.
     */
    public void send(int id, MethodDescriptor<?, ?> method, MessageLite request, Duration timeout) throws IOException {
        lastId = id;
        var service = String.valueOf(method.getServiceName());
        var name = String.valueOf(method.getBareMethodName());
        var frame = ByteBuffer.wrap(
                new Request(service, name, Payload.of(request.toByteArray()), timeout.toNanos(), List.of())
                        .frame(id, (byte) 0));
        while (frame.hasRemaining()) {
            var _ = socket.write(frame);
        }
    }

    /**
     * Waits for the answer to a call, and leaves it on the socket. What comes for others is passed over.
     *
     * @throws SocketTimeoutException if none comes in time
     */
    public Status await(int id, Duration patience) throws IOException {
        var end = System.nanoTime() + patience.toNanos();
        while (true) {
            var frame = peek(end);
            if (Frame.streamIdOf(frame) == id && Frame.typeOf(frame) == Frame.RESPONSE) {
                answered = frame.length;
                var data = new Payload(frame, Frame.HEADER_LENGTH, frame.length - Frame.HEADER_LENGTH);
                var status = Response.decode(data).status();
                return status == null ? Status.OK : status.status();
            }
            socket.discard(frame.length);
        }
    }

    /** The next frame. A server writes a short one in one go, so that hardly ever a part of one is seen. */
    private byte[] peek(long end) throws IOException {
        var size = Frame.HEADER_LENGTH;
        while (true) {
            var seen = ByteBuffer.allocate(size);
            if (socket.peek(seen, Duration.ofNanos(Math.max(0, end - System.nanoTime()))) < 0) {
                throw new EOFException("the server has ended the connection");
            }
            if (seen.position() >= Frame.HEADER_LENGTH) {
                var length = Integer.toUnsignedLong(seen.getInt(0));
                OversizeException.check(length);
                size = Frame.HEADER_LENGTH + (int) length;
            }
            if (seen.position() == size) {
                return seen.array();
            }
            if (seen.hasRemaining()) {
                pause(end);
            }
        }
    }

    private static void pause(long end) throws IOException {
        if (System.nanoTime() >= end) {
            throw new SocketTimeoutException("half an answer in time");
        }
        java.util.concurrent.locks.LockSupport.parkNanos(LOOK_NANOS);
    }

    /** Takes the answer that {@link #await} has found off the socket. */
    public void settle() throws IOException {
        socket.discard(answered);
        answered = 0;
    }

    /** Ends the connection. */
    @Override
    public void close() throws IOException {
        socket.shutdown();
        socket.close();
    }
}
