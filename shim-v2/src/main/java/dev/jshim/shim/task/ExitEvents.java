package dev.jshim.shim.task;

import dev.jshim.linux.Deadline;
import dev.jshim.proto.v2.events.TaskExit;
import dev.jshim.task.EventSink;
import dev.jshim.task.Exit;
import dev.jshim.task.News;
import dev.jshim.task.Task;
import dev.jshim.task.Timestamps;
import java.time.Duration;
import java.util.IdentityHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Publishes the exits of processes: that of init after those of all its execs, and before its container's deletion.
 *
 * <p>That the futures of {@link Task#exited} complete in this order is not enough: those who wait for one of them get
 * it in no particular order, and the publishing is only one of them. Thread-safe.
 */
final class ExitEvents {
    /** How long a deletion waits for an exit that was seen, but was not published yet. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    /** What is still to be published for a container. */
    private static final class Pending {
        int execs;
        boolean hasInit;

        @Nullable
        Exit init;
    }

    private final EventSink events;
    private final IdentityHashMap<Task, Pending> tasks = new IdentityHashMap<>();

    ExitEvents(EventSink events) {
        this.events = events;
    }

    /** Publishes the exit of a process when it comes. */
    void follow(Task task, String execId) {
        var exited = task.exited(execId);
        Pending pending;
        synchronized (this) {
            pending = tasks.computeIfAbsent(task, _ -> new Pending());
            if (execId.isEmpty()) {
                pending.hasInit = true;
            } else {
                pending.execs++;
            }
        }
        var _ = exited.whenComplete((exit, _) -> {
            if (execId.isEmpty()) {
                initEnded(task, pending, exit);
            } else {
                execEnded(task, pending, execId, exit);
            }
        });
    }

    /** One that failed has no exit to tell of, and holds up nobody else's. */
    private synchronized void execEnded(Task task, Pending pending, String execId, @Nullable Exit exit) {
        if (exit != null) {
            publish(task, execId, exit);
        }
        pending.execs--;
        settle(task, pending);
    }

    private synchronized void initEnded(Task task, Pending pending, @Nullable Exit exit) {
        pending.init = exit;
        pending.hasInit = exit != null;
        settle(task, pending);
    }

    private void settle(Task task, Pending pending) {
        var exit = pending.init;
        if (exit != null && pending.execs == 0) {
            pending.init = null;
            pending.hasInit = false;
            publish(task, task.id(), exit);
        }
        notifyAll();
    }

    private void publish(Task task, String id, Exit exit) {
        events.publish(TaskExit.newBuilder()
                .setContainerId(task.id())
                .setId(id)
                .setPid(exit.pid())
                .setExitStatus(exit.status())
                .setExitedAt(Timestamps.of(exit.at()))
                .build());
        task.tell(id.equals(task.id()) ? "" : id, News.ENDED);
    }

    /** To be called when a container has been deleted: waits until its exit has been published, and forgets it. */
    synchronized void end(Task task) {
        var pending = tasks.remove(task);
        var deadline = Deadline.in(PATIENCE);
        while (pending != null && pending.hasInit) {
            try {
                if (!deadline.await(this)) {
                    return; // Its exit was never seen. The deletion is news all the same.
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }
}
