package dev.jshim.ttrpc;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;

/**
 * Takes connections out of a server while their peers stay connected. First nobody is read any more; then all calls but
 * those that may wait for long have to end, and all answers to be written; at last what is left of the calls is taken
 * back to the frames that began them. Until then the server can go on as if nothing had been. For one thread.
 */
final class Move {
    private final List<ServerConnection> connections;
    private final Predicate<String> methods;
    private final long end;

    Move(List<ServerConnection> connections, Predicate<String> methods, long end) {
        this.connections = List.copyOf(connections);
        this.methods = methods;
        this.end = end;
    }

    List<MovedConnection> run() throws IOException, InterruptedException {
        for (ServerConnection connection : connections) {
            if (!(connection.channel() instanceof MovableChannel)) {
                throw new IOException("a connection is of a kind that cannot be moved");
            }
        }
        List<byte[]> unread = new ArrayList<>();
        try {
            for (ServerConnection connection : connections) {
                var _ = connection.stopReading(channel(connection));
            }
            for (ServerConnection connection : connections) {
                unread.add(quiet(connection));
            }
        } catch (IOException | InterruptedException | RuntimeException e) {
            connections.forEach(connection -> connection.resumeReading(channel(connection)));
            throw e;
        }
        List<MovedConnection> moved = new ArrayList<>();
        for (int i = 0; i < connections.size(); i++) {
            ServerConnection connection = connections.get(i);
            byte[] all = bytes(connection.takeCalls(), unread.get(i));
            // Of a call that ended in this very moment. One who does not read gets what follows garbled: hang up.
            if (!connection.isClosed() && connection.outbox.awaitEmpty(TimeUnit.SECONDS.toNanos(1))) {
                connection.leave();
                moved.add(new MovedConnection(channel(connection), all));
            } else {
                connection.close(null);
            }
        }
        return moved;
    }

    private byte[] quiet(ServerConnection connection) throws IOException, InterruptedException {
        byte[] unread;
        try {
            unread = connection.stopReading(channel(connection)).get(left(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException | ExecutionException e) {
            if (connection.isClosed()) {
                return new byte[0];
            }
            throw new IOException("a connection does not stop", e);
        }
        while (!connection.isClosed() && !connection.isMovable(methods)) {
            if (left() == 0) {
                throw new IOException("a call takes too long");
            }
            Thread.sleep(5);
        }
        if (!connection.outbox.awaitEmpty(left())) {
            throw new IOException("a peer does not read");
        }
        return unread;
    }

    private long left() {
        return Math.max(0, end - System.nanoTime());
    }

    private static MovableChannel channel(ServerConnection connection) {
        return (MovableChannel) connection.channel();
    }

    private static byte[] bytes(List<Frame> calls, byte[] unread) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (Frame call : calls) {
            try {
                out.writeBytes(Frame.of(call.streamId(), call.type(), call.flags(), call.data()));
            } catch (OversizeException e) {
                throw new AssertionError("it was received, so it is not too long", e);
            }
        }
        out.writeBytes(unread);
        return out.toByteArray();
    }
}
