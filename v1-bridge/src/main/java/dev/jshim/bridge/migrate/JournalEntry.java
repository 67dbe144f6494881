package dev.jshim.bridge.migrate;

import java.nio.file.Path;

/** A line of the {@link Journal}. */
sealed interface JournalEntry {
    /** A directory that was not there before is about to be made. */
    record MakeDirectory(Path path) implements JournalEntry {}

    /**
     * A bundle is about to be added.
     *
     * @param record the text of its record
     */
    record Adopt(String namespace, String id, String record) implements JournalEntry {}

    /** The bundle is in place. */
    record Adopted(String namespace, String id) implements JournalEntry {}

    /** The bundle was not added after all. */
    record Abandoned(String namespace, String id, String reason) implements JournalEntry {}

    /** All that was added is about to be taken away. */
    record RollBack() implements JournalEntry {}
}
