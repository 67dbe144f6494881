package dev.jshim.it;

import dev.jshim.linux.ProcessId;
import dev.jshim.linux.ProcessStat;
import dev.jshim.linux.Processes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What tells one process from another with the same number.
 *
 * @param pid the process id
 * @param startTime clock ticks since boot (field 22 of /proc/PID/stat, proc(5))
 */
public record ProcessFacts(long pid, long startTime) {

    /**
     * The facts of a living process.
     *
     * @throws IllegalStateException if there is none with that id
     */
    public static ProcessFacts of(long pid) {
        return find(pid).orElseThrow(() -> new IllegalStateException("no process " + pid));
    }

    /** The facts of a process, if there is one with that id. */
    static Optional<ProcessFacts> find(long pid) {
        return stat(pid).map(stat -> new ProcessFacts(pid, stat.startTime()));
    }

    /** The processes whose command line, its words joined by blanks, holds each of these texts. */
    public static List<Long> withCommand(String... texts) {
        return ProcessHandle.allProcesses()
                .map(ProcessHandle::pid)
                .filter(pid -> Stream.of(texts).allMatch(commandLine(pid)::contains))
                .toList();
    }

    private static String commandLine(long pid) {
        try {
            return new String(Files.readAllBytes(Path.of("/proc/" + pid + "/cmdline")), StandardCharsets.ISO_8859_1)
                    .replace('\0', ' ');
        } catch (IOException e) {
            return "";
        }
    }

    /**
     * Says whether this very process still runs; a zombie does not. One whose first thread alone is a zombie does: a
     * JVM that is killed keeps its sockets and locks, and takes connections, for a tenth of a second after that.
     */
    public boolean alive() {
        return new ProcessId((int) pid, startTime).isAlive();
    }

    /**
     * The parent's id: for a container's init process, its shim's.
     *
     * @throws IllegalStateException if the process is gone
     */
    public long parent() {
        return stat(pid)
                .orElseThrow(() -> new IllegalStateException("no process " + pid))
                .parent();
    }

    private static Optional<ProcessStat> stat(long pid) {
        return Optional.ofNullable(Processes.stat((int) pid));
    }

    @Override
    public String toString() {
        return pid + "@" + startTime;
    }
}
