package dev.jshim.shim.oci;

import dev.jshim.linux.ExitedChild;
import dev.jshim.linux.ProcessId;
import dev.jshim.task.ShimLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The ends of processes that the keeper has reported, each as a file {@code PID-START-CODE-SIGNAL} until it is noted
 * with whatever the process was: a process that has been reaped is in no other place. The file is empty, so that there
 * is room for it on a tmpfs that has none. Thread-safe for different processes.
 *
 * @param folder null to note nothing
 */
record ExitNotes(@Nullable Path folder) {
    static final ExitNotes NONE = new ExitNotes(null);
    private static final byte[] NOTHING = {};

    void write(ProcessId process, ExitedChild end) {
        if (folder == null) {
            return;
        }
        try {
            var file = file(folder, process, end);
            try {
                Files.write(file, NOTHING);
            } catch (NoSuchFileException e) {
                Files.createDirectories(folder);
                Files.write(file, NOTHING);
            }
        } catch (IOException e) {
            ShimLog.warn("cannot note an exit: it is lost if this process dies now", "pid", end.pid(), "error", e);
        }
    }

    void forget(ProcessId process, ExitedChild end) {
        if (folder == null) {
            return;
        }
        try {
            Files.deleteIfExists(file(folder, process, end));
        } catch (IOException e) {
            ShimLog.warn("cannot forget an exit", "pid", process.pid(), "error", e);
        }
    }

    private static Path file(Path folder, ProcessId process, ExitedChild end) {
        var how = end.signalled() ? "-0-" + end.status() : "-" + end.status() + "-0";
        return folder.resolve(process.pid() + "-" + process.startTicks() + how);
    }

    /** What the process before this one has noted. */
    Map<ProcessId, ExitedChild> readAll() {
        Map<ProcessId, ExitedChild> all = new HashMap<>();
        if (folder == null || !Files.isDirectory(folder)) {
            return all;
        }
        try (var files = Files.newDirectoryStream(folder)) {
            for (var file : files) {
                read(file, all);
            }
        } catch (IOException e) {
            ShimLog.error("cannot read the exits that the previous JVM noted", "path", folder, "error", e);
        }
        return all;
    }

    private static void read(Path file, Map<ProcessId, ExitedChild> all) {
        var words = file.getFileName().toString().split("-", 4);
        try {
            if (words.length == 2) { // Of a shim from before the name said all.
                words = (file.getFileName() + "-"
                                + Files.readString(file).strip().replace(' ', '-'))
                        .split("-", 4);
            }
            var pid = Integer.parseInt(words[0]);
            var signal = Integer.parseInt(words[3]);
            var end = new ExitedChild(pid, signal != 0, signal != 0 ? signal : Integer.parseInt(words[2]));
            all.put(new ProcessId(pid, Long.parseLong(words[1])), end);
        } catch (IOException | NumberFormatException | ArrayIndexOutOfBoundsException e) {
            ShimLog.error("the note of an exit is damaged", "path", file, "error", e);
        }
    }
}
