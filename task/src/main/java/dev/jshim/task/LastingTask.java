package dev.jshim.task;

import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A task that outlives the process that serves it: the next one serves it again, and clients repeat the calls that the
 * death of the one before has cut off, see {@code RepeatedTask}.
 */
public interface LastingTask extends Task {
    /**
     * How a process stands once nothing that an earlier process had begun is under way any more; waits for that.
     *
     * @throws ShimException NOT_FOUND for an unknown exec id
     */
    ProcessState settled(String execId);

    /**
     * As {@link #start}, for a process that was started in a call that nobody answered.
     *
     * @param pid as {@link #settled} says
     */
    void startedBefore(String execId, int pid, IntConsumer started);

    /** How an exec ended that was deleted lately; null if none by that id was. */
    @Nullable
    Exit deletedExec(String execId);
}
