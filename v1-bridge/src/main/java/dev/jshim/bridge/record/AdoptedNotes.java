package dev.jshim.bridge.record;

import dev.jshim.linux.ProcessId;
import dev.jshim.proto.v2.events.TaskExit;
import dev.jshim.shim.cgroup.Cgroup;
import dev.jshim.shim.cgroup.OomWatch;
import dev.jshim.shim.keeper.WholeFile;
import dev.jshim.task.Exit;
import dev.jshim.task.ShimLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the next bridge has to know of one container beside its record, in a file of the adopted bundle: the execs that
 * there are, for a v1 shim does not list one that has ended, the exits that were told, which containerd ran while all
 * other processes lived, how many kills for want of memory were told, and where init is accounted. It outlives the
 * death of the bridge, not that of the machine, as the processes do.
 *
 * <p>Nothing is written once containerd may take the bundle away: it gives it another name first, and what comes into
 * it while it is emptied makes that fail, so that the rest stays for good (core/runtime/v2 atomicDelete, v2.1.9).
 * Thread-safe.
 */
public final class AdoptedNotes {
    /**
     * In the adopted bundle: lines {@code daemon LINE}, {@code ooms COUNT}, {@code cgroup LINE}, {@code exec PID ID},
     * {@code told PID STATUS ID} and {@code gone PID STATUS AT ID}.
     */
    public static final String FILE = "jshim.exits";

    private static final String DAEMON = "daemon ";
    private static final String OOMS = "ooms ";
    private static final String CGROUP = "cgroup ";

    /** As many calls of one client as may be cut off by one death. */
    private static final int MOST_GONE = 64;

    private record Which(String id, int pid) {}

    private final AdoptedRecord record;
    private final Path bundle;
    private final Map<String, Integer> execs = new LinkedHashMap<>();
    private final Map<Which, Integer> told = new LinkedHashMap<>();
    /** The exits of the execs that were deleted last, by id. */
    private final Map<String, Exit> gone = new LinkedHashMap<>();

    private String daemon = "";
    private String cgroup = "";
    private long ooms = -1;
    private boolean isRead;
    private boolean over;

    /** The notes of a container, with what the adoption and the bridge before have written. */
    public AdoptedNotes(AdoptedRecord record, Path bundle) {
        this.record = record;
        this.bundle = bundle;
        read();
    }

    /** Those of a container whose bundle is gone. */
    public static AdoptedNotes none(AdoptedRecord record) {
        var none = new AdoptedNotes(record, Path.of("/dev/null"));
        none.end();
        return none;
    }

    /**
     * Begins the notes in a bundle that an adoption makes ready: where init is accounted, if it lives, and the kernel's
     * count of kills. All up to that is told, or was the old daemon's to tell.
     */
    public static void begin(ProcessId init, Path bundle) throws IOException {
        var text = new StringBuilder(OOMS + countedNow(init) + "\n");
        try {
            var membership = Cgroup.membership(init.pid());
            // The pid may be another's by now.
            if (init.isAlive()) {
                membership.lines().forEach(line -> text.append(CGROUP + line + "\n"));
            }
        } catch (IOException e) {
            // It has ended.
        }
        Files.writeString(bundle.resolve(FILE), text);
    }

    /** What the kernel has counted for a container by now; -1 where it does not say, or its init has ended. */
    private static long countedNow(ProcessId init) {
        try {
            var kills = OomWatch.kills(Cgroup.of(init.pid()));
            // The pid may be another's by now.
            return init.isAlive() ? kills : -1;
        } catch (IOException e) {
            return -1;
        }
    }

    private void read() {
        try {
            Files.readAllLines(bundle.resolve(FILE)).forEach(this::read);
            isRead = true;
        } catch (IOException e) {
            // There is none yet, or it cannot be read: then an exit may be told again, and none is lost.
        }
    }

    private void read(String line) {
        var words = line.split(" ", line.startsWith("gone ") ? 5 : 4);
        try {
            if (line.startsWith(DAEMON)) {
                daemon = line.substring(DAEMON.length());
            } else if (line.startsWith(CGROUP)) {
                cgroup += line.substring(CGROUP.length()) + "\n";
            } else if (line.startsWith(OOMS)) {
                ooms = Math.max(ooms, Long.parseLong(line.substring(OOMS.length())));
            } else if (words.length == 3 && words[0].equals("exec")) {
                execs.put(words[2], Integer.valueOf(words[1]));
            } else if (words.length == 4 && words[0].equals("told")) {
                told.put(new Which(words[3], Integer.parseInt(words[1])), Integer.parseUnsignedInt(words[2]));
            } else if (words.length == 5 && words[0].equals("gone")) {
                var at = Instant.parse(words[3]);
                gone.put(words[4], new Exit(Integer.parseInt(words[1]), Integer.parseUnsignedInt(words[2]), at));
            }
        } catch (NumberFormatException | DateTimeParseException e) {
            ShimLog.warn("a damaged line is ignored", "path", bundle.resolve(FILE), "line", line);
        }
    }

    public Path bundle() {
        return bundle;
    }

    /** What /proc/PID/cgroup said of init when it was adopted; empty if that is not known. */
    synchronized String cgroup() {
        return cgroup;
    }

    /** How many kills for want of memory were told, as the kernel counts them; -1 if that is not known. */
    public synchronized long ooms() {
        return ooms;
    }

    /** That so many were told. Of two that are delivered together the later one may be here first. */
    public synchronized void ooms(long now) {
        if (now > ooms) {
            ooms = now;
            write();
        }
    }

    /** Which containerd ran when all processes lived whose exit was not told; empty if that is not known. */
    public synchronized String daemon() {
        return daemon;
    }

    /** That this containerd runs, and all processes live whose exit was not told. */
    public synchronized void daemon(String now) {
        if (!now.equals(daemon)) {
            daemon = now;
            write();
        }
    }

    /** The pids of the execs that there are, by id: they run, or have ended and were not deleted. */
    public synchronized Map<String, Integer> execs() {
        return Map.copyOf(execs);
    }

    /** That an exec runs. */
    public synchronized void started(String execId, int pid) {
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
    public synchronized void deleted(String execId, @Nullable Integer pid) {
        if (pid != null && execs.remove(execId, pid)) {
            told.remove(new Which(execId, pid));
            write();
        }
    }

    /** That an exec is about to be deleted, which ended so. */
    public synchronized void deleting(String execId, Exit exit) {
        gone.remove(execId);
        gone.put(execId, exit);
        if (gone.size() > MOST_GONE) {
            gone.remove(gone.keySet().iterator().next());
        }
        write();
    }

    /** How an exec ended whose deletion was begun last; null if none was. */
    public synchronized @Nullable Exit deleting(String execId) {
        return gone.get(execId);
    }

    /** That containerd was told of an exit. One of a process that is no more is not kept. */
    public synchronized void told(TaskExit exit) {
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
    public synchronized boolean isTold(TaskExit exit) {
        var status = told.get(new Which(exit.getId(), exit.getPid()));
        return status != null && status == exit.getExitStatus();
    }

    /** Whether containerd was told of the exit of a process. */
    public synchronized boolean isTold(String id, int pid) {
        return told.containsKey(new Which(id, pid));
    }

    /** That the bundle is there: what was known before is written now. */
    public synchronized void bundleIsThere() {
        write();
    }

    /** Writes nothing from now on, and nothing is being written any more. */
    public synchronized void end() {
        over = true;
    }

    private void write() {
        if (over || !Files.isDirectory(bundle)) {
            return; // not yet, in the short time between adoption and bundle, or not any more
        }
        if (!isRead) {
            // The adoption has begun it meanwhile.
            read();
            isRead = true;
        }
        var lines = new StringBuilder();
        if (!daemon.isEmpty()) {
            lines.append(DAEMON + daemon + "\n");
        }
        lines.append(OOMS + ooms + "\n");
        cgroup.lines().forEach(line -> lines.append(CGROUP + line + "\n"));
        execs.forEach((id, pid) -> lines.append("exec " + pid + " " + id + "\n"));
        told.forEach((which, status) ->
                lines.append("told " + which.pid() + " " + Integer.toUnsignedString(status) + " " + which.id() + "\n"));
        gone.forEach((id, exit) -> lines.append("gone " + exit.pid() + " " + Integer.toUnsignedString(exit.status())
                + " " + exit.at() + " " + id + "\n"));
        try {
            WholeFile.write(bundle.resolve(FILE), lines.toString());
        } catch (IOException e) {
            ShimLog.warn("could not note an exit: the next bridge may report it again", "bundle", bundle, "error", e);
        }
    }
}
