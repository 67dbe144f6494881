package dev.jshim.node.survey;

import dev.jshim.node.NodePaths;
import dev.jshim.node.bundle.Bundle;
import dev.jshim.node.bundle.BundleScanner;
import dev.jshim.node.bundle.V1Bundle;
import dev.jshim.node.bundle.V2Bundle;
import dev.jshim.node.process.ProcFs;
import dev.jshim.task.TaskId;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is on a node, as it was when it was read: a bundle that nobody can read is in it, with what is wrong. Reading
 * asks no shim and takes no lock; containerd may be running or not.
 */
public record Node(NodePaths paths, List<Bundle> bundles, List<String> problems) {
    public Node {
        bundles = List.copyOf(bundles);
        problems = List.copyOf(problems);
    }

    /** Reads the bundles of all namespaces. */
    public static Node read(NodePaths paths) {
        return read(paths, ProcFs.system());
    }

    /** As {@link #read(NodePaths)}, with another /proc. */
    public static Node read(NodePaths paths, ProcFs proc) {
        var scanner = new BundleScanner(paths, proc.unixSockets());
        var bundles = scanner.scan();
        return new Node(paths, bundles, scanner.problems());
    }

    /** As {@link #read(NodePaths, ProcFs)}, but that it has the bundles of one task alone. */
    public static Node read(NodePaths paths, ProcFs proc, TaskId task) {
        return new Node(paths, new BundleScanner(paths, proc.unixSockets()).scan(task), List.of());
    }

    /** The v1 bundles, sorted by task. */
    public List<V1Bundle> v1() {
        var out = new ArrayList<V1Bundle>();
        for (var bundle : bundles) {
            if (bundle instanceof V1Bundle v1) {
                out.add(v1);
            }
        }
        return out;
    }

    /** The v2 bundles, sorted by task. */
    public List<V2Bundle> v2() {
        var out = new ArrayList<V2Bundle>();
        for (var bundle : bundles) {
            if (bundle instanceof V2Bundle v2) {
                out.add(v2);
            }
        }
        return out;
    }

    /** The v1 bundle of a task; null if it has none. */
    public @Nullable V1Bundle v1(TaskId task) {
        return v1().stream().filter(b -> b.task().equals(task)).findFirst().orElse(null);
    }

    /** The v2 bundle of a task; null if it has none. */
    public @Nullable V2Bundle v2(TaskId task) {
        return v2().stream().filter(b -> b.task().equals(task)).findFirst().orElse(null);
    }
}
