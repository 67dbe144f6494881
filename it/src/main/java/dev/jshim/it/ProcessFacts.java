package dev.jshim.it;

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
        String[] fields = stat(pid);
        return fields.length == 0 ? Optional.empty() : Optional.of(new ProcessFacts(pid, Long.parseLong(fields[19])));
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
        String[] fields = stat(pid);
        boolean hasEnded =
                fields.length == 0 || ((fields[0].equals("Z") || fields[0].equals("X")) && !hasOtherThreads(fields));
        return !hasEnded && Long.parseLong(fields[19]) == startTime;
    }

    private static boolean hasOtherThreads(String[] fields) {
        return Integer.parseInt(fields[17]) > 1;
    }

    /**
     * The parent's id: for a container's init process, its shim's.
     *
     * @throws IllegalStateException if the process is gone
     */
    public long parent() {
        String[] fields = stat(pid);
        if (fields.length == 0) {
            throw new IllegalStateException("no process " + pid);
        }
        return Long.parseLong(fields[1]);
    }

    /** The fields after the name, from field 3 on; empty if there is no such process. */
    private static String[] stat(long pid) {
        try {
            String stat = Files.readString(Path.of("/proc/" + pid + "/stat"), StandardCharsets.ISO_8859_1);
            return stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        } catch (IOException e) {
            return new String[0];
        }
    }

    @Override
    public String toString() {
        return pid + "@" + startTime;
    }
}
