package dev.jshim.bridge.migrate;

import dev.jshim.bridge.journal.JournalEntry;
import dev.jshim.bridge.record.AdoptedBundle;
import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.node.NodePaths;
import dev.jshim.node.survey.Node;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whether a root and a state directory are those of one containerd, by what an adoption has left in them. On a machine
 * with several it is easy to name one of each: the bundles of the one would be judged by the journal of the other.
 */
final class Place {
    private Place() {}

    /**
     * Says nothing where they go together, as far as that can be told.
     *
     * @param journal of the root directory
     * @throws MigrationException that names what goes with what
     */
    static void require(NodePaths paths, List<JournalEntry> journal) throws MigrationException {
        for (var entry : journal) {
            var record = entry.record();
            var state = record == null ? null : base(record.v1Bundle());
            if (record != null
                    && state != null
                    && !isSame(state, paths.state())
                    && AdoptedBundle.isOurs(new NodePaths(paths.root(), state).v2Bundle(record.task()))) {
                throw new MigrationException("the journal in " + paths.root() + " belongs to the state"
                        + " directory " + state + ", not to " + paths.state() + ": name it with --state; nothing"
                        + " was changed");
            }
        }
        for (var bundle : Node.read(paths).v2()) {
            var root = AdoptedBundle.isOurs(bundle.path()) ? root(bundle.path()) : null;
            if (root != null && Files.isDirectory(root) && !isSame(root, paths.root())) {
                throw new MigrationException(bundle.task() + " was adopted from the containerd with the root directory "
                        + root + ", not " + paths.root() + ": name it with --root; nothing was changed");
            }
        }
    }

    private static @Nullable Path root(Path bundle) {
        var record = AdoptedRecord.readable(bundle);
        return record == null ? null : base(record.v1Work());
    }

    /** Of a folder of a container in one of its namespace in the v1 runtime's. */
    private static @Nullable Path base(Path folder) {
        var runtime = folder.resolve("../..").normalize();
        return runtime.endsWith(NodePaths.V1_RUNTIME) ? runtime.getParent() : null;
    }

    /** By whatever names. */
    static boolean isSame(Path one, Path other) {
        try {
            return one.equals(other) || Files.isSameFile(one, other);
        } catch (IOException e) {
            return false;
        }
    }
}
