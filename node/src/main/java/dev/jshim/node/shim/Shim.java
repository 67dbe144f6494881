package dev.jshim.node.shim;

import com.google.protobuf.Any;
import dev.jshim.node.Answer;
import dev.jshim.node.Printable;
import dev.jshim.node.bundle.Bundle;
import dev.jshim.node.bundle.V1Bundle;
import dev.jshim.node.bundle.V2Bundle;
import dev.jshim.node.socket.ShimSocket;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;

/**
 * A connection to a shim, for one task. Every call ends by its timeout, whatever the other side does. Calls may be made
 * by any thread; to close it does the shim no harm.
 */
public sealed interface Shim extends AutoCloseable permits V1Shim, V2Shim {
    /** The state of init. */
    default Answer<TaskState> state() {
        return state("");
    }

    /** The state of a process; an empty exec id is init, here and below. */
    Answer<TaskState> state(String execId);

    /** All processes of the task. */
    Answer<List<TaskPid>> pids();

    /** The shim's own pid. */
    Answer<Integer> shimPid();

    /** Sends a signal to init; the value says nothing, here and below. */
    default Answer<Boolean> kill(int signal) {
        return kill(signal, "", false);
    }

    /**
     * Sends a signal.
     *
     * @param all to every process of the container
     */
    Answer<Boolean> kill(int signal, String execId, boolean all);

    /** Freezes the container's processes. */
    Answer<Boolean> pause();

    /** Lets them run again. */
    Answer<Boolean> resume();

    /**
     * Waits for a process to end.
     *
     * @param patience in place of the timeout; {@link Answer.Mute} after it
     */
    Answer<TaskExit> await(String execId, Duration patience);

    /** What the container's cgroup counts: a {@code Metrics} message; a v1 shim has no such call (UNIMPLEMENTED). */
    Answer<Any> stats();

    /** Adds a process, to be started. */
    Answer<Boolean> exec(ExecRequest request);

    /** Starts an added process; its pid. */
    Answer<Integer> start(String execId);

    /** Gives the terminal of a process another size, in characters. */
    Answer<Boolean> resize(String execId, int columns, int rows);

    /** Removes an exec that has ended. Never init: its end belongs to containerd. */
    Answer<Boolean> deleteExec(String execId);

    /** Closes the shim's own end of a process' stdin, so that it sees the end of it when all writers are gone. */
    Answer<Boolean> closeStdin(String execId);

    @Override
    void close();

    /** Connects, asks one thing and closes the connection. */
    static <T> Answer<T> ask(Bundle bundle, Duration timeout, Function<Shim, Answer<T>> question) {
        return open(bundle, timeout).then(open -> {
            try (var shim = open) {
                return question.apply(shim);
            }
        });
    }

    /**
     * Connects to the shim of a bundle.
     *
     * @param timeout for the connect, and for each call later
     */
    static Answer<Shim> open(Bundle bundle, Duration timeout) {
        var socket = bundle.socket();
        if (socket == null) {
            return new Answer.Absent<>("its socket is unknown");
        }
        var start = System.nanoTime();
        try {
            Shim shim = switch (bundle) {
                case V1Bundle v1 -> V1Shim.open(v1.task(), socket, timeout);
                case V2Bundle v2 -> V2Shim.open(v2.task(), v2.endpoint(), timeout);
            };
            return new Answer.Answered<>(shim, Duration.ofNanos(System.nanoTime() - start));
        } catch (SocketTimeoutException e) {
            return new Answer.Mute<>(timeout);
        } catch (ConnectException e) {
            return new Answer.Absent<>("nobody listens on the socket");
        } catch (IOException e) {
            if (socket instanceof ShimSocket.Named named && !Files.exists(named.path(), LinkOption.NOFOLLOW_LINKS)) {
                return new Answer.Absent<>("the socket is gone");
            }
            return new Answer.Absent<>("cannot connect: " + Printable.of(String.valueOf(e.getMessage())));
        }
    }
}
