package dev.jshim.task.client;

import dev.jshim.task.Exit;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimException.Kind;
import dev.jshim.task.Task;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A task that another process serves: each call is one of its shim's. A failure is what the shim said, UNAVAILABLE if
 * the connection is lost, or DEADLINE_EXCEEDED if it does not answer in time.
 *
 * <p>The shim decides in which order exits and the answers to Start come. What belongs to those who serve a task, such
 * as {@link #told} and {@link #onOom}, does nothing here. Exits have no pid: no shim says it. Thread-safe.
 */
public interface ShimTask extends Task, AutoCloseable {
    /** The shim's own pid. */
    int shimPid();

    /**
     * Waits for a process to end.
     *
     * @throws ShimException DEADLINE_EXCEEDED after {@code patience}
     */
    default Exit await(String execId, Duration patience) {
        var exited = exited(execId);
        try {
            return exited.get(patience.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            exited.cancel(false);
            throw new ShimException(
                    Kind.DEADLINE_EXCEEDED, "it has not ended within " + patience.toMillis() + " ms", e);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof ShimException failure
                    ? failure
                    : new ShimException(Kind.UNKNOWN, String.valueOf(e.getCause()), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ShimException(Kind.UNAVAILABLE, "interrupted", e);
        }
    }

    /** Lets go of the shim, and does it no harm. */
    @Override
    void close();
}
