package dev.jshim.bridge.journal;

import com.google.protobuf.Any;
import dev.jshim.bridge.journal.JournalEntry.Step;
import dev.jshim.node.shim.ShimFlags;
import dev.jshim.proto.v1.runc.RuncOptions;
import dev.jshim.task.ShimException;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The OCI binary and its root that the old daemon used where a container's record names none. containerd 2.x drops the
 * section of its configuration that says so; the journal of the adoption keeps it.
 */
public final class OldRuntime {
    /** What the old daemon used where its configuration said nothing. */
    public static final String RUNC = "runc";

    private static final Any NONE = Any.getDefaultInstance();

    private OldRuntime() {}

    /**
     * The options of a container that is started again under its old record, as far as the journal knows them: those of
     * the very container where it was adopted, else those of the old daemon.
     *
     * @param bundle the v2 bundle that containerd made, {@code <state>/io.containerd.runtime.v2.task/<namespace>/<id>}
     * @return of type RuncOptions; the default instance where there is nothing to say
     * @throws ShimException FAILED_PRECONDITION for a journal that cannot be read
     */
    public static Any options(Path bundle) {
        try {
            var journal = journal(bundle);
            return journal == null ? NONE : options(Journal.read(journal), bundle);
        } catch (IOException e) {
            throw new ShimException(
                    ShimException.Kind.FAILED_PRECONDITION,
                    "which OCI runtime the old containerd used is unknown: " + e.getMessage(),
                    e);
        }
    }

    /** By the link to the work directory, which lies below containerd's root. */
    private static @Nullable Path journal(Path bundle) throws IOException {
        var link = bundle.resolve("work");
        if (!Files.isSymbolicLink(link)) {
            return null;
        }
        var work = Files.readSymbolicLink(link);
        var count = work.getNameCount();
        var root = work.isAbsolute() && count > 3 ? Path.of("/").resolve(work.subpath(0, count - 3)) : null;
        return root == null ? null : Journal.file(root);
    }

    private static Any options(List<JournalEntry> entries, Path bundle) throws IOException {
        var parent = bundle.getParent();
        var namespace = parent == null ? "" : String.valueOf(parent.getFileName());
        var task = new TaskId(namespace, String.valueOf(bundle.getFileName()));
        for (var entry : entries.reversed()) {
            // A journal that was rebuilt has no text where the bundle's was damaged.
            if (entry.step() == Step.ADOPT
                    && entry.task().equals(task)
                    && !entry.value("record").isEmpty()) {
                var record = entry.record();
                if (record == null) {
                    throw new IOException("the journal's record of " + task + " is damaged");
                }
                var root = record.runtimeRoot().getParent();
                return any(record.runtime(), root == null ? "" : root.toString());
            }
        }
        var daemon = daemon(entries);
        return daemon == null ? NONE : any(daemon.value("runtime"), daemon.value("runtime-root"));
    }

    /** What the journal has of the old daemon, the last of its kind; null if it has nothing. */
    public static @Nullable JournalEntry daemon(List<JournalEntry> entries) {
        return entries.reversed().stream()
                .filter(entry -> entry.step() == Step.OLD_DAEMON)
                .findFirst()
                .orElse(null);
    }

    /** The defaults are left out: they leave a say to the node's own configuration. */
    private static Any any(String runtime, String root) {
        var options = RuncOptions.newBuilder();
        if (!runtime.equals(RUNC)) {
            options.setRuntime(runtime);
        }
        if (!root.equals(ShimFlags.DEFAULT_RUNTIME_ROOT)) {
            options.setRuntimeRoot(root);
        }
        var built = options.build();
        return built.equals(RuncOptions.getDefaultInstance())
                ? NONE
                : Any.newBuilder()
                        .setTypeUrl(RuncOptions.getDescriptor().getFullName())
                        .setValue(built.toByteString())
                        .build();
    }
}
