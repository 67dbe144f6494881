package dev.jshim.node;

/** Names a task on a node: ids are unique only within a containerd namespace. */
public record TaskId(String namespace, String id) implements Comparable<TaskId> {
    @Override
    public int compareTo(TaskId other) {
        var byNamespace = namespace.compareTo(other.namespace);
        return byNamespace != 0 ? byNamespace : id.compareTo(other.id);
    }

    /** For people: {@code namespace/id}. */
    @Override
    public String toString() {
        return namespace + "/" + id;
    }
}
