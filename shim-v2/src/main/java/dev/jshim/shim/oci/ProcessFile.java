package dev.jshim.shim.oci;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import dev.jshim.proto.v2.notes.ProcessNote;
import dev.jshim.shim.keeper.FaultPoint;

/** The note of one process, until it is over: another one may then have the same name. Thread-safe. */
final class ProcessFile {
    private final ContainerNotes notes;
    private final String name;
    private boolean over;

    private ProcessFile(ContainerNotes notes, String name) {
        this.notes = notes;
        this.name = name;
    }

    static ProcessFile ofInit(ContainerNotes notes) {
        return new ProcessFile(notes, ContainerNotes.INIT);
    }

    static ProcessFile ofExec(ContainerNotes notes, String execId) {
        return new ProcessFile(notes, execId + ContainerNotes.EXEC);
    }

    boolean isKept() {
        return notes.isKept();
    }

    /** False if it was to be noted and could not be. */
    @CanIgnoreReturnValue
    synchronized boolean write(ProcessNote note) {
        if (over || !notes.isKept()) {
            return true;
        }
        FaultPoint.at("task-note");
        var written = notes.write(name, note);
        FaultPoint.at("task-noted");
        return written;
    }

    /** Takes the note away, for good. */
    synchronized void end() {
        if (!over && notes.isKept()) {
            notes.delete(name);
        }
        over = true;
    }
}
