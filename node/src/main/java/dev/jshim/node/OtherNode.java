package dev.jshim.node;

import java.nio.file.Path;
import java.util.Comparator;

/**
 * The directories of another containerd on the same machine, as its v1 shims have them: Docker's own, k3s's.
 *
 * @param root empty path where no shim names it
 * @param shims how many v1 shims it has
 */
public record OtherNode(Path root, Path state, int shims) implements Comparable<OtherNode> {
    @Override
    public int compareTo(OtherNode other) {
        return Comparator.comparing(OtherNode::state)
                .thenComparing(OtherNode::root)
                .compare(this, other);
    }

    /** What to say of it. */
    public String describe() {
        var many = shims == 1 ? "1 v1 shim belongs" : shims + " v1 shims belong";
        return many + " to another containerd: --root " + root + " --state " + state;
    }
}
