package dev.jshim.node.leftover;

import java.nio.file.Path;

/**
 * The directories of another containerd on the same machine, as its v1 shims have them: Docker's own, k3s's.
 *
 * @param root empty path if no shim names it
 * @param shims how many v1 shims it has
 */
public record OtherNode(Path root, Path state, int shims) implements Comparable<OtherNode> {
    @Override
    public int compareTo(OtherNode other) {
        var byState = state.compareTo(other.state);
        return byState != 0 ? byState : root.compareTo(other.root);
    }

    /** What to say of it. */
    public String describe() {
        var many = shims == 1 ? "1 v1 shim belongs" : shims + " v1 shims belong";
        return many + " to another containerd: --root " + root + " --state " + state;
    }
}
