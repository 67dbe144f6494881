package dev.jshim.task;

import org.jspecify.annotations.Nullable;

/** Names a task on a node: ids are unique only within a containerd namespace. */
public record TaskId(String namespace, String id) implements Comparable<TaskId> {
    @Override
    public int compareTo(TaskId other) {
        var byNamespace = namespace.compareTo(other.namespace);
        return byNamespace != 0 ? byNamespace : id.compareTo(other.id);
    }

    // Those that the compiler gives a record are made by the JVM at each start, and an AOT cache keeps none of it.

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof TaskId task && namespace.equals(task.namespace) && id.equals(task.id);
    }

    @Override
    public int hashCode() {
        return 31 * namespace.hashCode() + id.hashCode();
    }

    /** For people: {@code namespace/id}. */
    @Override
    public String toString() {
        return namespace + "/" + id;
    }
}
