package dev.jshim.node.socket;

import dev.jshim.node.Answer;
import dev.jshim.task.Printable;
import dev.jshim.task.ShimSocket;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A shim's socket with those who name it.
 *
 * @param namedBy the tasks whose bundles name it; empty for one that nobody names
 * @param connect whether somebody accepts a connection; null if it was not tried
 */
public record NodeSocket(
        SocketFacts facts, List<TaskId> namedBy, @Nullable Answer<Boolean> connect) {
    public NodeSocket {
        namedBy = List.copyOf(namedBy);
    }

    /** How a socket stands, in a word. */
    public enum Verdict {
        /** A bundle names it, and somebody listens. */
        OK,
        /** Somebody listens, and others than root can connect. */
        EXPOSED,
        /** Somebody listens, and no bundle names it. */
        UNNAMED,
        /** A file that nobody listens on. */
        STALE,
        /** A bundle names it, and it is not there. */
        GONE;

        /** In lower case. */
        public String label() {
            return switch (this) {
                case OK -> "ok";
                case EXPOSED -> "exposed";
                case UNNAMED -> "unnamed";
                case STALE -> "stale";
                case GONE -> "gone";
            };
        }
    }

    /** By what was seen; whether it answers is another matter. */
    public Verdict verdict() {
        if (!facts.exists()) {
            return Verdict.GONE;
        }
        if (!isServed()) {
            return Verdict.STALE;
        }
        if (!facts.exposure().isEmpty()) {
            return Verdict.EXPOSED;
        }
        return namedBy.isEmpty() ? Verdict.UNNAMED : Verdict.OK;
    }

    /** The table of sockets is of our own network namespace: a connection that is taken proves more. */
    private boolean isServed() {
        return facts.listening() || (connect != null && !(connect instanceof Answer.Absent<Boolean>));
    }

    /** Connects and closes, which does a shim no harm. */
    public static Answer<Boolean> tryConnect(ShimSocket socket, Duration timeout) {
        var start = System.nanoTime();
        try (var channel = ShimConnection.open(socket, timeout)) {
            return new Answer.Answered<>(!channel.closed().isDone(), Duration.ofNanos(System.nanoTime() - start));
        } catch (SocketTimeoutException e) {
            return new Answer.Mute<>(timeout);
        } catch (ConnectException e) {
            return new Answer.Absent<>("nobody listens on the socket");
        } catch (IOException e) {
            return new Answer.Absent<>("cannot connect: " + Printable.of(String.valueOf(e.getMessage())));
        }
    }
}
