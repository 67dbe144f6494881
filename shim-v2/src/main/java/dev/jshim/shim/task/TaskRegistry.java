package dev.jshim.shim.task;

import dev.jshim.task.CreateRequest;
import dev.jshim.task.Ids;
import dev.jshim.task.ShimException;
import dev.jshim.task.Task;
import dev.jshim.task.TaskFactory;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The tasks of a shim by id. Thread-safe; its lock is never held while a task is being created.
 *
 * <p>Once it has been closed empty it takes no new task, so that a Create that arrives while a shim is ending is
 * refused and not lost.
 */
public final class TaskRegistry {
    /** Decides whether a registry that seems empty may be closed, and what has to happen around it. */
    @FunctionalInterface
    public interface Gate {
        /**
         * Called without any lock of the registry.
         *
         * @param close closes the registry if it is empty; answers whether it did
         * @return what {@code close} has answered, or false if it was not called
         */
        boolean pass(BooleanSupplier close);
    }

    private final Gate gate;
    private final int most;
    private final Map<String, Task> tasks = new HashMap<>();
    private final Set<String> creating = new HashSet<>();
    private boolean closed;
    private boolean used;
    private long emptySince = System.nanoTime();

    /** May be closed whenever it is empty. */
    public TaskRegistry() {
        this(BooleanSupplier::getAsBoolean);
    }

    public TaskRegistry(Gate gate) {
        this(gate, Room.PLACES);
    }

    /** @param most how many there are at once at most, those that are being created included */
    TaskRegistry(Gate gate, int most) {
        this.gate = gate;
        this.most = most;
    }

    /**
     * Creates a task and keeps it. ALREADY_EXISTS if its id is taken, RESOURCE_EXHAUSTED if there are too many.
     *
     * @param told reports it, before any client can delete it
     */
    public Task create(CreateRequest request, TaskFactory factory, Consumer<Task> told) {
        var id = request.id();
        Ids.requireSafe("container id", id);
        reserve(id);
        try {
            var task = factory.create(request);
            add(task);
            told.accept(task);
            return task;
        } finally {
            settle(id);
        }
    }

    /** The same without a report. */
    public Task create(CreateRequest request, TaskFactory factory) {
        return create(request, factory, _ -> {});
    }

    private synchronized void reserve(String id) {
        if (closed) {
            throw new ShimException(ShimException.Kind.UNAVAILABLE, "shim is shutting down");
        }
        if (tasks.containsKey(id) || creating.contains(id)) {
            throw ShimException.alreadyExists("container " + id + " exists already");
        }
        if (tasks.size() + creating.size() >= most) {
            throw ShimException.resourceExhausted("this shim has " + most + " containers and takes no more");
        }
        creating.add(id);
        used = true;
    }

    private synchronized void settle(String id) {
        creating.remove(id);
        notifyAll();
        noteEmpty();
    }

    /** Keeps a task that exists already, as after an adoption. */
    public synchronized void add(Task task) {
        if (tasks.putIfAbsent(task.id(), task) != null) {
            throw ShimException.alreadyExists("container " + task.id() + " exists already");
        }
        used = true;
    }

    /**
     * The task of an id.
     *
     * @throws ShimException NOT_FOUND for an unknown id
     */
    public Task get(String id) {
        var task = find(id);
        if (task == null) {
            throw ShimException.notFound("container " + id + " not created");
        }
        return task;
    }

    /**
     * The task of an id, for its deletion. If it is being created that is waited for: a daemon whose client has gone
     * meanwhile deletes what it does not know to be there yet, and never asks again.
     *
     * @throws ShimException NOT_FOUND for an unknown id
     */
    public Task getSettled(String id) {
        synchronized (this) {
            while (creating.contains(id)) {
                try {
                    wait();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new ShimException(ShimException.Kind.UNAVAILABLE, "interrupted", e);
                }
            }
        }
        return get(id);
    }

    public synchronized @Nullable Task find(String id) {
        return tasks.get(id);
    }

    public synchronized Collection<Task> all() {
        return List.copyOf(tasks.values());
    }

    public synchronized void remove(Task task) {
        if (tasks.remove(task.id(), task)) {
            noteEmpty();
        }
    }

    private synchronized void noteEmpty() {
        if (isEmpty()) {
            emptySince = System.nanoTime();
            notifyAll();
        }
    }

    private synchronized boolean isEmpty() {
        return tasks.isEmpty() && creating.isEmpty();
    }

    /** How long there has been no task; zero if there is one. */
    public synchronized Duration emptyFor() {
        return isEmpty() ? Duration.ofNanos(System.nanoTime() - emptySince) : Duration.ZERO;
    }

    /**
     * Blocks until there has been no task for a while, or the registry is closed.
     *
     * @param quiet how long there was none after the last one
     * @param unused how long there was none ever
     */
    public synchronized void awaitEmpty(Duration quiet, Duration unused) throws InterruptedException {
        while (!closed) {
            if (!isEmpty()) {
                wait();
                continue;
            }
            var left = (used ? quiet : unused).toNanos() - (System.nanoTime() - emptySince);
            if (left <= 0) {
                return;
            }
            wait(left / 1_000_000 + 1);
        }
    }

    /** Counts the time without a task again. */
    public synchronized void restartEmptyTime() {
        emptySince = System.nanoTime();
    }

    /** Takes no new task from now on, if there is none and the gate allows it. Answers whether that is so. */
    public boolean closeIfEmpty() {
        synchronized (this) {
            if (closed || !isEmpty()) {
                return closed;
            }
        }
        return gate.pass(this::close);
    }

    /** Takes no new task from now on, whether there are any or not. */
    public synchronized void closeAnyhow() {
        closed = true;
        notifyAll();
    }

    private synchronized boolean close() {
        if (isEmpty()) {
            closed = true;
            notifyAll();
        }
        return closed;
    }
}
