package dev.jshim.bridge.record;

import dev.jshim.linux.ProcessId;
import dev.jshim.proto.v2.bridge.HeldEvents;
import dev.jshim.proto.v2.bridge.NotedExit;
import dev.jshim.proto.v2.bridge.Notes;
import dev.jshim.proto.v2.events.TaskExit;
import dev.jshim.shim.cgroup.Cgroup;
import dev.jshim.shim.cgroup.OomWatch;
import dev.jshim.shim.keeper.WholeFile;
import dev.jshim.task.Exit;
import dev.jshim.task.ShimLog;
import dev.jshim.task.Timestamps;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the next bridge has to know of one adopted container, in a file of its own in the bridge's directory: the execs
 * that exist, since a v1 shim does not list one that has ended; the exits that were reported, and those that are held
 * back; which containerd ran while all other processes lived; how many kills for want of memory were reported; in which
 * cgroup init is; and that the container is about to be deleted. It is not in the bundle, because containerd removes
 * that while some of this is still to be done. It outlives the bridge and not the machine, as the processes do.
 *
 * <p>Thread-safe. There is one object for each file in a process that writes to it.
 */
public final class AdoptedNotes {
    /** As many calls of one client as may be cut off by one death. */
    private static final int MOST_DELETED = 64;

    private final Path file;
    private final AdoptedRecord record;
    private final Notes.Builder noted;
    private boolean isOver;
    private boolean isReplaced;

    private AdoptedNotes(Path file, AdoptedRecord record, Notes noted) {
        this.file = file;
        this.record = record;
        this.noted = noted.toBuilder().setRecord(record.text());
    }

    /** The notes of a container, with what the bridge before has written. Writes nothing yet. */
    public static AdoptedNotes of(BridgePaths paths, AdoptedRecord record) {
        var file = paths.notes(record);
        var noted = read(file);
        return new AdoptedNotes(file, record, noted == null ? Notes.getDefaultInstance() : noted);
    }

    /** Those of all containers, also of such that have no bundle any more. Changes nothing. */
    public static List<AdoptedNotes> all(BridgePaths paths) throws IOException {
        List<AdoptedNotes> all = new ArrayList<>();
        if (!Files.isDirectory(paths.notes())) {
            return all;
        }
        try (var files = Files.newDirectoryStream(paths.notes(), WholeFile::isWhole)) {
            for (var file : files) {
                var noted = read(file);
                if (noted != null) {
                    try {
                        all.add(new AdoptedNotes(file, AdoptedRecord.parse(noted.getRecord()), noted));
                    } catch (IllegalArgumentException e) {
                        ShimLog.error("the notes of a container are damaged", "path", file, "error", e);
                    }
                }
            }
        }
        return all;
    }

    /** Null if there are none, or they cannot be read: then an exit may be reported again, and none is lost. */
    private static @Nullable Notes read(Path file) {
        try {
            return Notes.parseFrom(Files.readAllBytes(file));
        } catch (NoSuchFileException e) {
            return null;
        } catch (IOException e) {
            ShimLog.error("the notes of a container are damaged", "path", file, "error", e);
            return null;
        }
    }

    public AdoptedRecord record() {
        return record;
    }

    /** Their file: no other container's is the same. */
    public Path file() {
        return file;
    }

    /**
     * Begins them for a container that is adopted now: with the cgroup of init, if it lives, and the kernel's count of
     * kills. All up to now was reported, or was the old daemon's to report.
     */
    public synchronized void begin() {
        var init = record.init();
        noted.clearOoms().clearCgroup();
        try {
            var cgroup = Cgroup.membership(init.pid());
            var kills = killsOf(init);
            // The pid may be another's by now.
            if (init.isAlive()) {
                noted.setCgroup(cgroup);
                if (kills >= 0) {
                    noted.setOoms(kills);
                }
            }
        } catch (IOException e) {
            // It has ended.
        }
        write();
    }

    private static long killsOf(ProcessId init) {
        try {
            return OomWatch.kills(Cgroup.of(init.pid()));
        } catch (IOException e) {
            return -1;
        }
    }

    /** What /proc/PID/cgroup had of init when it was adopted; empty if that is not known. */
    synchronized String cgroup() {
        return noted.getCgroup();
    }

    /** How many kills for want of memory were reported, as the kernel counts them; -1 if that is not known. */
    public synchronized long ooms() {
        return noted.hasOoms() ? noted.getOoms() : -1;
    }

    /** That so many were reported. Of two reports that are delivered together the later one may be here first. */
    public synchronized void ooms(long now) {
        if (now > ooms()) {
            noted.setOoms(now);
            write();
        }
    }

    /** Which containerd ran when all processes lived whose exit was not reported; empty if that is not known. */
    public synchronized String daemon() {
        return noted.getDaemon();
    }

    /** That this containerd runs, and all processes live whose exit was not reported. */
    public synchronized void daemon(String now) {
        if (!now.equals(daemon())) {
            noted.setDaemon(now);
            write();
        }
    }

    /** The pids of the execs that exist, by id: they run, or have ended and were not deleted. */
    public synchronized Map<String, Integer> execs() {
        return Map.copyOf(noted.getExecsMap());
    }

    /** That an exec runs. */
    public synchronized void started(String execId, int pid) {
        var isAgain = removeDeleted(execId);
        if (isAgain || !Integer.valueOf(pid).equals(noted.getExecsMap().get(execId))) {
            noted.putExecs(execId, pid);
            write();
        }
    }

    /**
     * That an exec does not exist any more.
     *
     * @param pid what {@link #execs} had of it before: its id may mean another one already; null does nothing
     */
    public synchronized void deleted(String execId, @Nullable Integer pid) {
        if (pid != null && pid.equals(noted.getExecsMap().get(execId))) {
            noted.removeExecs(execId).removeReported(key(execId, pid));
            write();
        }
    }

    /** That an exec is about to be deleted, which ended so. */
    public synchronized void deleting(String execId, Exit exit) {
        removeDeleted(execId);
        noted.addDeleted(exit(execId, exit));
        if (noted.getDeletedCount() > MOST_DELETED) {
            noted.removeDeleted(0);
        }
        write();
    }

    private boolean removeDeleted(String execId) {
        for (var i = 0; i < noted.getDeletedCount(); i++) {
            if (noted.getDeleted(i).getExecId().equals(execId)) {
                noted.removeDeleted(i);
                return true;
            }
        }
        return false;
    }

    /** How an exec ended whose deletion was begun last; null if none was. */
    public synchronized @Nullable Exit deleting(String execId) {
        for (var each : noted.getDeletedList()) {
            if (each.getExecId().equals(execId)) {
                return exit(each);
            }
        }
        return null;
    }

    /** Whether an exit was reported to containerd. */
    public synchronized boolean isReported(TaskExit exit) {
        return Integer.valueOf(exit.getExitStatus())
                .equals(noted.getReportedMap().get(key(exit.getId(), exit.getPid())));
    }

    /** Whether the exit of a process was reported to containerd. */
    public synchronized boolean isReported(String id, int pid) {
        return noted.containsReported(key(id, pid));
    }

    private static String key(String id, int pid) {
        return pid + " " + id;
    }

    /** What the bridge before has held back, or published and not delivered. */
    public synchronized List<HeldEvents> held() {
        return List.copyOf(noted.getHeldList());
    }

    /**
     * What is held back now, or published and not delivered.
     *
     * @param reported an exit that was reported; that of an exec that does not exist any more is not kept
     */
    public synchronized void held(List<HeldEvents> all, @Nullable TaskExit reported) {
        if (reported != null && exists(reported.getId(), reported.getPid())) {
            noted.putReported(key(reported.getId(), reported.getPid()), reported.getExitStatus());
        }
        noted.clearHeld().addAllHeld(all);
        write();
    }

    private boolean exists(String id, int pid) {
        return (id.equals(record.id()) && pid == record.init().pid())
                || Integer.valueOf(pid).equals(noted.getExecsMap().get(id));
    }

    /** Whether the container is about to be deleted, or was. */
    public synchronized boolean isBeingDeleted() {
        return noted.hasDeletion();
    }

    /**
     * That the container is about to be deleted.
     *
     * @param exit init's; null if it is not known, or noted already
     */
    public synchronized void deleting(@Nullable Exit exit) {
        var deletion = noted.getDeletionBuilder();
        if (exit != null) {
            deletion.setExit(exit("", exit));
        }
        write();
    }

    /** That it is not deleted after all. */
    public synchronized void notDeleted() {
        if (noted.hasDeletion()) {
            noted.clearDeletion();
            write();
        }
    }

    /**
     * That its v1 shim has deleted it.
     *
     * @throws IOException if that cannot be written
     */
    public synchronized void setDeleted() throws IOException {
        noted.getDeletionBuilder().setIsDone(true);
        writeNow();
    }

    /** Whether its v1 shim is known to have deleted it. */
    public synchronized boolean isDeleted() {
        return noted.getDeletion().getIsDone();
    }

    /** Init's exit, of a container that is about to be deleted; null if none is noted. */
    public synchronized @Nullable Exit exit() {
        return noted.getDeletion().hasExit() ? exit(noted.getDeletion().getExit()) : null;
    }

    private static NotedExit exit(String execId, Exit exit) {
        return NotedExit.newBuilder()
                .setExecId(execId)
                .setPid(exit.pid())
                .setStatus(exit.status())
                .setAt(Timestamps.of(exit.at()))
                .build();
    }

    private static Exit exit(NotedExit exit) {
        return new Exit(exit.getPid(), exit.getStatus(), Timestamps.instant(exit.getAt()));
    }

    /** That nothing is left of the container: the file goes as soon as nothing is held back in it. */
    public synchronized void over() {
        isOver = true;
        noted.clearDeletion();
        write();
    }

    /** That another object writes the file from now on: the container is adopted again. */
    public synchronized void replaced() {
        isReplaced = true;
    }

    private void write() {
        try {
            writeNow();
        } catch (IOException e) {
            ShimLog.warn(
                    "could not write the notes of a container: the next bridge may report an exit again or lose it, or"
                            + " not finish a deletion",
                    record.named("error", e));
        }
    }

    private void writeNow() throws IOException {
        if (isReplaced) {
            return;
        }
        if (isOver && noted.getHeldCount() == 0) {
            Files.deleteIfExists(file);
            return;
        }
        var folder = file.getParent();
        // Not the directory above: if that is gone, a rollback has removed it, and nothing is to be left.
        if (folder != null && !Files.isDirectory(folder)) {
            try {
                Files.createDirectory(folder);
            } catch (FileAlreadyExistsException e) {
                // Another container was quicker.
            }
        }
        WholeFile.write(file, noted.build().toByteArray());
    }
}
