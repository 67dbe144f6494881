package dev.jshim.shim.cgroup;

import dev.jshim.linux.ProcessStat;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * Where the kernel's file systems are found; the tests give a directory of recorded files instead of {@code /}.
 *
 * @param root the directory that stands for {@code /}
 */
record Host(Path root) {
    static final Host REAL = new Host(Path.of("/"));

    /** Of threads that end while they are looked at. */
    private static final int LOOKS = 10;

    /** A path of the host, such as {@code /proc/partitions}, below the root. */
    Path at(String absolute) {
        return root.resolve(absolute.substring(1));
    }

    /**
     * What {@code /proc/PID/cgroup} says of a process, or of one of its threads if the first one has ended: what is at
     * its end the kernel shows in the root of each v1 hierarchy, where the whole host would be taken for it.
     *
     * @throws NoSuchFileException if it has ended
     */
    String membership(int pid) throws IOException {
        var proc = at("/proc");
        var process = proc.resolve(Integer.toString(pid));
        for (var look = 0; look < LOOKS; look++) {
            var stat = ProcessStat.read(process);
            if (stat == null) {
                throw new NoSuchFileException(process.toString(), null, "no such process");
            }
            var thread = stat.folder(proc);
            try {
                var text = new StatFiles().text(thread.resolve("cgroup"));
                var after = ProcessStat.read(thread);
                if (after != null && !after.isExiting()) {
                    return text;
                }
            } catch (IOException e) {
                // Reaped after the file was opened: the kernel then answers ESRCH instead of ENOENT.
                if (Files.exists(thread)) {
                    throw e;
                }
            }
            if (thread.equals(process)) {
                break;
            }
        }
        throw new NoSuchFileException(process.toString(), null, "the process has ended");
    }

    /** Line by line: a busy node has thousands of mounts. Bytes that are no UTF-8 are replaced, not refused. */
    MountTable mounts() throws IOException {
        var file = Files.newInputStream(at("/proc/self/mountinfo"));
        try (var reader = new BufferedReader(new InputStreamReader(file, StandardCharsets.UTF_8))) {
            return MountTable.read(reader);
        }
    }
}
