package dev.jshim.bridge.journal;

import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.task.TaskId;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A line of the {@link Journal}. */
public sealed interface JournalEntry {
    /**
     * A command began to change the node; for people who read the journal.
     *
     * @param boot the kernel's boot id: processes on record before another one are gone
     */
    record Began(String command, String boot) implements JournalEntry {}

    /** A directory that was not there before is about to be made. */
    record MakeDirectory(Path path) implements JournalEntry {
        public MakeDirectory {
            if (!path.isAbsolute() || !path.equals(path.normalize())) {
                throw new IllegalArgumentException("no absolute path: " + path);
            }
        }
    }

    /**
     * A bundle is about to be added.
     *
     * @param record the text of its record
     */
    record Adopt(TaskId task, String record) implements JournalEntry {
        /** Its record; null where it cannot be read. */
        public @Nullable AdoptedRecord readable() {
            try {
                return AdoptedRecord.parse(record);
            } catch (IllegalArgumentException e) {
                return null;
            }
        }
    }

    /** The bundle is in place. */
    record Adopted(TaskId task) implements JournalEntry {}

    /** The bundle was not added after all. */
    record Abandoned(TaskId task, String reason) implements JournalEntry {}

    /**
     * What the old daemon was told of the v1 runtime; containerd 2.x drops that section.
     *
     * @param file the configuration file, empty where there was none
     * @param runtime the OCI binary, empty for the default
     * @param runtimeRoot its root without the namespace, empty for the default
     */
    record OldDaemon(String file, String runtime, String runtimeRoot) implements JournalEntry {}

    /** An adopted bundle is about to be taken away, since its container is no more. */
    record Drop(TaskId task) implements JournalEntry {}

    /** All that was added is about to be taken away. */
    record RollBack() implements JournalEntry {}
}
