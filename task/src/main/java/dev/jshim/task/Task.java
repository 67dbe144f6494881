package dev.jshim.task;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntConsumer;

/**
 * One container and its processes: init, whose exec id is the empty string, and execs.
 *
 * <p>Calls come from many threads at once, each its own virtual thread, and may block. No call waits for another one
 * unless its own meaning demands it: {@link #state} answers while a {@link #start} is under way. Every failure is a
 * {@link ShimException}.
 */
public interface Task {
    /** The container's id, never empty. */
    String id();

    /** The bundle that containerd made for it. */
    Path bundle();

    /** Init's pid on the host; 0 for one that is to be restored from a checkpoint and was not started yet. */
    int pid();

    /** How a process stands. NOT_FOUND for an unknown exec id. */
    ProcessState state(String execId);

    /**
     * Starts init or an exec.
     *
     * @param started called with the pid once the process runs. Until it has returned, no future that {@link #exited}
     *     gave for this process completes, so that a start is always announced before the exit.
     */
    void start(String execId, IntConsumer started);

    /** Deletes a stopped or never started process and frees what it held. UNKNOWN while it runs, as runc's own shim. */
    Exit delete(String execId);

    /** Every process in the container. */
    List<ListedPid> pids();

    void pause();

    void resume();

    /**
     * Writes a checkpoint.
     *
     * @param options as they came, possibly the default instance
     */
    void checkpoint(String path, Any options);

    /** Sends a signal. NOT_FOUND if the process has exited already. */
    void kill(String execId, int signal, boolean all);

    /** Adds an exec; it runs at {@link #start}. ALREADY_EXISTS if its id is taken. */
    void exec(ExecRequest request);

    void resize(String execId, int width, int height);

    /** Closes the shim's own end of a process's stdin, so that the process sees its end when clients close theirs. */
    void closeStdin(String execId);

    /** Changes limits: JSON of the OCI runtime spec's LinuxResources. */
    void update(ByteString resources, Map<String, String> annotations);

    /**
     * The exit of a process. Completes once, also for those who ask after it; that of init completes after those of all
     * its execs, as containerd demands (the last exit of a container is init's).
     */
    CompletableFuture<Exit> exited(String execId);

    /**
     * Sets what to call when the kernel kills in this container for want of memory: once for each such kill, or once
     * for several that came together, before the exit of what was killed. It must not block. A task that cannot know
     * never calls it.
     */
    default void onOom(Runnable told) {}

    /** What clients know of a process; if that is noted, also from a JVM before this one. */
    default News told(String execId) {
        return News.NONE;
    }

    /** Notes that the events of a process have been handed on, up to this one. */
    default void tell(String execId, News news) {}

    /** Gets reports on the processes of a task that a JVM before this one has left. */
    interface Follower {
        /** A process was started, and its start was not reported. As for {@link #start}. */
        void started(String execId, int pid);

        /** A process exists, or existed, and its exit was not reported. */
        void runs(String execId);

        /** The container was deleted, and that was not reported. */
        void deleted(Exit exit);
    }

    /**
     * Goes on with what a JVM before this one has left; once, before any other call. If it is not known yet whether a
     * start was completed, the follower hears of it later.
     */
    default void begin(Follower follower) {}

    /** Notes that everything about a container that was deleted has been reported. */
    default void forget() {}

    /**
     * Metrics of the container's cgroup: {@code io.containerd.cgroups.v1.Metrics} or {@code v2.Metrics}. A shim of
     * another vendor may count in another way: its {@link Any} then, as it came.
     */
    Message stats();
}
