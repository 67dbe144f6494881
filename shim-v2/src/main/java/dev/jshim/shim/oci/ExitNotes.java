package dev.jshim.shim.oci;

import dev.jshim.linux.ExitedChild;
import dev.jshim.linux.ProcessId;
import dev.jshim.shim.keeper.WholeFile;
import dev.jshim.shim.log.ShimLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The ends of processes that the keeper has reported, each in a file {@code PID-START} until it is noted with whatever
 * the process was: a process that has been reaped is in no other place. A file has the exit code, and the signal or 0.
 * Thread-safe for different processes.
 *
 * @param folder null to note nothing
 */
record ExitNotes(@Nullable Path folder) {
    static final ExitNotes NONE = new ExitNotes(null);

    void write(ProcessId process, ExitedChild end) {
        if (folder == null) {
            return;
        }
        try {
            var text = end.signalled() ? "0 " + end.status() : end.status() + " 0";
            try {
                WholeFile.write(file(folder, process), text);
            } catch (NoSuchFileException e) {
                Files.createDirectories(folder);
                WholeFile.write(file(folder, process), text);
            }
        } catch (IOException e) {
            ShimLog.warn("cannot note an exit: it is lost if this process dies now", "pid", end.pid(), "error", e);
        }
    }

    void forget(ProcessId process) {
        if (folder == null) {
            return;
        }
        try {
            Files.deleteIfExists(file(folder, process));
        } catch (IOException e) {
            ShimLog.warn("cannot forget an exit", "pid", process.pid(), "error", e);
        }
    }

    private static Path file(Path folder, ProcessId process) {
        return folder.resolve(process.pid() + "-" + process.startTicks());
    }

    /** What the process before this one has noted. */
    Map<ProcessId, ExitedChild> readAll() {
        Map<ProcessId, ExitedChild> all = new HashMap<>();
        if (folder == null || !Files.isDirectory(folder)) {
            return all;
        }
        try (var files = Files.newDirectoryStream(folder, WholeFile::isWhole)) {
            for (var file : files) {
                try {
                    read(file, all);
                } catch (IOException e) {
                    ShimLog.error("cannot read the note of an exit", "path", file, "error", e);
                }
            }
        } catch (IOException e) {
            ShimLog.error("cannot read the exits of before", "path", folder, "error", e);
        }
        return all;
    }

    private static void read(Path file, Map<ProcessId, ExitedChild> all) throws IOException {
        var name = file.getFileName().toString().split("-", 2);
        var words = Files.readString(file).strip().split(" ", 2);
        try {
            var pid = Integer.parseInt(name[0]);
            var signal = Integer.parseInt(words[1]);
            var end = new ExitedChild(pid, signal != 0, signal != 0 ? signal : Integer.parseInt(words[0]));
            all.put(new ProcessId(pid, Long.parseLong(name[1])), end);
        } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
            ShimLog.error("the note of an exit is damaged", "path", file, "error", e);
        }
    }
}
