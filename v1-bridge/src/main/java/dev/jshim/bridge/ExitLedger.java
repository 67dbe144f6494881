package dev.jshim.bridge;

import dev.jshim.proto.v2.events.TaskExit;
import dev.jshim.shim.log.ShimLog;
import dev.jshim.shim.task.Exit;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the next bridge has to know of the processes of one container, in a file of the added bundle: the execs that
 * there are, for a v1 shim does not list one that has ended, the exits that were told, and which containerd ran while
 * all other processes lived. It outlives the death of the bridge, not that of the machine, as the processes do.
 * Thread-safe.
 */
final class ExitLedger {
    /**
     * In the added bundle: lines {@code daemon LINE}, {@code exec PID ID}, {@code told PID STATUS ID} and {@code gone
     * PID STATUS AT ID}.
     */
    static final String FILE = "jshim.exits";

    /** As many calls of one client as may be cut off by one death. */
    private static final int MOST_GONE = 64;

    private static final String DAEMON = "daemon ";

    private record Which(String id, int pid) {}

    private final LegacyRecord record;
    private final BundleNotes notes;
    private final Map<String, Integer> execs = new LinkedHashMap<>();
    private final Map<Which, Integer> told = new LinkedHashMap<>();
    /** The exits of the execs that were deleted last, by id. */
    private final Map<String, Exit> gone = new LinkedHashMap<>();

    private String daemon = "";

    /** The ledger of a container, with what the bridge before has written. */
    ExitLedger(LegacyRecord record, BundleNotes notes) {
        this.record = record;
        this.notes = notes;
        try {
            Files.readAllLines(bundle().resolve(FILE)).forEach(this::read);
        } catch (IOException e) {
            // There is none yet, or it cannot be read: then an exit may be told again, and none is lost.
        }
    }

    private void read(String line) {
        if (line.startsWith(DAEMON)) {
            daemon = line.substring(DAEMON.length());
            return;
        }
        var words = line.split(" ", line.startsWith("gone ") ? 5 : 4);
        try {
            if (words.length == 3 && words[0].equals("exec")) {
                execs.put(words[2], Integer.valueOf(words[1]));
            } else if (words.length == 4 && words[0].equals("told")) {
                told.put(new Which(words[3], Integer.parseInt(words[1])), Integer.parseUnsignedInt(words[2]));
            } else if (words.length == 5 && words[0].equals("gone")) {
                var at = Instant.parse(words[3]);
                gone.put(words[4], new Exit(Integer.parseInt(words[1]), Integer.parseUnsignedInt(words[2]), at));
            }
        } catch (NumberFormatException | DateTimeParseException e) {
            ShimLog.warn("a line is damaged and is passed over", "path", bundle().resolve(FILE), "line", line);
        }
    }

    Path bundle() {
        return notes.bundle();
    }

    /** The pids of the execs that there are, by id: they run, or have ended and were not deleted. */
    synchronized Map<String, Integer> execs() {
        return Map.copyOf(execs);
    }

    /** That an exec runs. */
    synchronized void started(String execId, int pid) {
        gone.remove(execId);
        if (!Integer.valueOf(pid).equals(execs.put(execId, pid))) {
            write();
        }
    }

    /**
     * That there is such an exec no more.
     *
     * @param pid what {@link #execs} said of it before: its id may mean another one already; null does nothing
     */
    synchronized void deleted(String execId, @Nullable Integer pid) {
        if (pid != null && execs.remove(execId, pid)) {
            told.remove(new Which(execId, pid));
            write();
        }
    }

    /** That an exec is about to be deleted, which ended so. */
    synchronized void deleting(String execId, Exit exit) {
        gone.remove(execId);
        gone.put(execId, exit);
        if (gone.size() > MOST_GONE) {
            gone.remove(gone.keySet().iterator().next());
        }
        write();
    }

    /** How an exec ended whose deletion was begun last; null if none was. */
    synchronized @Nullable Exit deleting(String execId) {
        return gone.get(execId);
    }

    /** Which containerd ran when all processes lived whose exit was not told; empty if that is not known. */
    synchronized String daemon() {
        return daemon;
    }

    /** That this containerd runs, and all processes live whose exit was not told. */
    synchronized void daemon(String now) {
        if (!now.equals(daemon)) {
            daemon = now;
            write();
        }
    }

    /** That containerd was told of an exit. One of a process that is no more is not kept. */
    synchronized void told(TaskExit exit) {
        var isInit = exit.getId().equals(record.id())
                && exit.getPid() == record.init().pid();
        if (!isInit && !Integer.valueOf(exit.getPid()).equals(execs.get(exit.getId()))) {
            return;
        }
        var before = told.put(new Which(exit.getId(), exit.getPid()), exit.getExitStatus());
        if (before == null || before != exit.getExitStatus()) {
            write();
        }
    }

    /** Whether containerd was told of an exit. */
    synchronized boolean isTold(TaskExit exit) {
        var status = told.get(new Which(exit.getId(), exit.getPid()));
        return status != null && status == exit.getExitStatus();
    }

    /** Whether containerd was told of the exit of a process. */
    synchronized boolean isTold(String id, int pid) {
        return told.containsKey(new Which(id, pid));
    }

    /** That the bundle is there: what was known before is written now. */
    synchronized void bundleIsThere() {
        if (!daemon.isEmpty() || !execs.isEmpty() || !told.isEmpty() || !gone.isEmpty()) {
            write();
        }
    }

    private void write() {
        var lines = new StringBuilder();
        if (!daemon.isEmpty()) {
            lines.append(DAEMON + daemon + "\n");
        }
        execs.forEach((id, pid) -> lines.append("exec " + pid + " " + id + "\n"));
        told.forEach((which, status) ->
                lines.append("told " + which.pid() + " " + Integer.toUnsignedString(status) + " " + which.id() + "\n"));
        gone.forEach((id, exit) -> lines.append("gone " + exit.pid() + " " + Integer.toUnsignedString(exit.status())
                + " " + exit.at() + " " + id + "\n"));
        try {
            notes.write(FILE, lines.toString());
        } catch (IOException e) {
            ShimLog.warn(
                    "could not note an exit: a bridge that starts may tell of it again",
                    "bundle",
                    bundle(),
                    "error",
                    e);
        }
    }
}
