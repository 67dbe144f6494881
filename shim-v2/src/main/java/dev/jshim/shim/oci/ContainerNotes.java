package dev.jshim.shim.oci;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.Message;
import dev.jshim.proto.v2.notes.ProcessNote;
import dev.jshim.proto.v2.task2.CreateTaskRequest;
import dev.jshim.proto.v2.task2.DeleteResponse;
import dev.jshim.shim.keeper.FaultPoint;
import dev.jshim.shim.keeper.WholeFile;
import dev.jshim.task.CreateRequest;
import dev.jshim.task.Exit;
import dev.jshim.task.ShimLog;
import dev.jshim.task.Stdio;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The notes of one container, see {@link TaskNotes}: {@code create}, the request; {@code init}, and {@code ID.exec} of
 * each exec, a {@link ProcessNote}; {@code gone}, and {@code ID.gone} of each exec, how it ended that was deleted.
 *
 * <p>What cannot be written is logged: it is missing only if this process dies. Not so the first notes of a container
 * and of an exec: a process that finds no {@code init} takes the container for half made, and away, and one that finds
 * no {@code ID.exec} does not know the exec.
 */
final class ContainerNotes {
    private static final String CREATE = "create";
    static final String INIT = "init";
    static final String EXEC = ".exec";
    private static final String GONE = "gone";

    /** As many calls of one client as may be cut off by one death. */
    private static final int MOST_GONE = 64;

    private final @Nullable Path folder;

    /** The notes of deleted execs, the oldest first; null until the first of this process is. */
    @GuardedBy("this")
    private @Nullable LinkedHashSet<Path> goneExecs;

    /** @param folder null to note nothing */
    ContainerNotes(@Nullable Path folder) {
        this.folder = folder;
    }

    /** Whether anything is noted. */
    boolean isKept() {
        return folder != null;
    }

    /** The container's id. */
    String id() {
        return folder == null ? "" : folder.getFileName().toString();
    }

    /**
     * That a container is about to be created; what was known of another one by that id is forgotten.
     *
     * @throws IOException if it cannot be noted
     */
    void begin(CreateRequest request) throws IOException {
        if (folder == null) {
            return;
        }
        clear();
        try {
            Files.createDirectories(folder);
            WholeFile.write(path(CREATE), message(request).toByteArray());
        } catch (IOException e) {
            throw cannotNote(e);
        }
    }

    /** @throws IOException if init was to be noted, and could not be */
    void requireInit() throws IOException {
        if (folder != null && !exists(INIT)) {
            throw cannotNote(null);
        }
    }

    private static IOException cannotNote(@Nullable IOException why) {
        return new IOException(
                "the container cannot be noted, and would be lost if the shim were started again: make room in /run"
                        + (why == null ? "" : " (" + why + ")"),
                why);
    }

    private static CreateTaskRequest message(CreateRequest request) {
        return CreateTaskRequest.newBuilder()
                .setId(request.id())
                .setBundle(request.bundle().toString())
                .addAllRootfs(request.rootfs())
                .setStdin(request.stdio().stdin())
                .setStdout(request.stdio().stdout())
                .setStderr(request.stdio().stderr())
                .setTerminal(request.stdio().terminal())
                .setCheckpoint(request.checkpoint())
                .setParentCheckpoint(request.parentCheckpoint())
                .setOptions(request.options())
                .build();
    }

    /** The request that the container was, or was to be, created by. */
    CreateRequest request() throws IOException {
        var r = CreateTaskRequest.parseFrom(read(CREATE));
        return new CreateRequest(
                r.getId(),
                Path.of(r.getBundle()),
                r.getRootfsList(),
                new Stdio(r.getStdin(), r.getStdout(), r.getStderr(), r.getTerminal()),
                r.getCheckpoint(),
                r.getParentCheckpoint(),
                r.getOptions());
    }

    /** Init's note; null if the container has not been created to the end. */
    @Nullable
    ProcessNote readInit() throws IOException {
        return exists(INIT) ? ProcessNote.parseFrom(read(INIT)) : null;
    }

    /** The notes of all execs, by id. */
    Map<String, ProcessNote> readExecs() throws IOException {
        Map<String, ProcessNote> execs = new HashMap<>();
        if (folder != null) {
            try (var files = Files.newDirectoryStream(folder, "*" + EXEC)) {
                for (var file : files) {
                    var name = file.getFileName().toString();
                    execs.put(
                            name.substring(0, name.length() - EXEC.length()),
                            ProcessNote.parseFrom(Files.readAllBytes(file)));
                }
            }
        }
        return execs;
    }

    /** That the container has been deleted, which ended so: nothing else is known of it any more. */
    void gone(Exit exit) {
        if (folder != null) {
            write(GONE, BundleFiles.message(exit));
            FaultPoint.at("task-gone");
            clearBut(GONE);
        }
    }

    /** That an exec has been deleted, which ended so. */
    void gone(String execId, Exit exit) {
        if (folder != null) {
            write(execId + "." + GONE, BundleFiles.message(exit));
            FaultPoint.at("task-gone");
            forgetFirstGone(path(execId + "." + GONE));
        }
    }

    /** That there is another exec by that id. */
    void notGone(String execId) {
        if (folder != null) {
            delete(execId + "." + GONE);
            synchronized (this) {
                if (goneExecs != null) {
                    goneExecs.remove(path(execId + "." + GONE));
                }
            }
        }
    }

    /** How the container ended, or an exec of it; null if none by that id was deleted lately. */
    @Nullable
    Exit readGone(String execId) {
        if (folder == null) {
            return null;
        }
        try {
            return BundleFiles.exit(DeleteResponse.parseFrom(read(execId.isEmpty() ? GONE : execId + "." + GONE)));
        } catch (NoSuchFileException e) {
            return null;
        } catch (IOException e) {
            ShimLog.warn("cannot read how a process ended", "id", id(), "exec_id", execId, "error", e);
            return null;
        }
    }

    /** When the container was deleted; null if it was not. */
    @Nullable
    Instant deletedAt() throws IOException {
        return folder != null && exists(GONE)
                ? Files.getLastModifiedTime(folder.resolve(GONE)).toInstant()
                : null;
    }

    private synchronized void forgetFirstGone(Path latest) {
        try {
            if (goneExecs == null) {
                goneExecs = new LinkedHashSet<>(allGone());
            }
            goneExecs.remove(latest);
            goneExecs.add(latest);
            if (goneExecs.size() > MOST_GONE) {
                Files.deleteIfExists(goneExecs.removeFirst());
            }
        } catch (IOException e) {
            warn(e);
        }
    }

    /** In the order in which they were written. */
    private List<Path> allGone() throws IOException {
        record Gone(Path file, FileTime at) {}
        List<Gone> all = new ArrayList<>();
        try (var files = Files.newDirectoryStream(path(""), "*." + GONE)) {
            for (var file : files) {
                all.add(new Gone(file, Files.getLastModifiedTime(file)));
            }
        }
        return all.stream()
                .sorted(Comparator.comparing(Gone::at))
                .map(Gone::file)
                .toList();
    }

    /** Takes all away. */
    void clear() {
        if (folder != null && Files.isDirectory(folder)) {
            clearBut("");
            try {
                Files.deleteIfExists(folder);
            } catch (IOException e) {
                warn(e);
            }
        }
    }

    private void clearBut(String name) {
        try (var files = Files.newDirectoryStream(path(""))) {
            for (var file : files) {
                if (!file.getFileName().toString().equals(name)) {
                    Files.deleteIfExists(file);
                }
            }
        } catch (IOException e) {
            warn(e);
        }
    }

    /** False if it could not be written. */
    @CanIgnoreReturnValue
    boolean write(String name, Message note) {
        try {
            WholeFile.write(path(name), note.toByteArray());
            return true;
        } catch (IOException e) {
            warn(e);
            return false;
        }
    }

    void delete(String name) {
        try {
            Files.deleteIfExists(path(name));
        } catch (IOException e) {
            warn(e);
        }
    }

    private boolean exists(String name) {
        return folder != null && Files.exists(folder.resolve(name));
    }

    private byte[] read(String name) throws IOException {
        return Files.readAllBytes(path(name));
    }

    private Path path(String name) {
        if (folder == null) {
            throw new IllegalStateException("nothing is noted");
        }
        return folder.resolve(name);
    }

    private void warn(IOException e) {
        ShimLog.warn("cannot note the state of a container: it is lost if this process dies", "id", id(), "error", e);
    }
}
