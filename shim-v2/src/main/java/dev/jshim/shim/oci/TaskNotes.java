package dev.jshim.shim.oci;

import dev.jshim.task.CreateRequest;
import dev.jshim.task.ShimLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * What a shim that is started again must know of its containers: a folder for each, and one for the exits that are
 * noted nowhere else. Thread-safe.
 */
public final class TaskNotes {
    /** Notes nothing: for a process whose end is the end. */
    public static final TaskNotes NONE = new TaskNotes(null);

    /** How long it is known how a deleted container ended, for who asks for the deletion again. */
    private static final Duration MEMORY = Duration.ofMinutes(5);

    private static final Duration LOOK = Duration.ofMinutes(1);

    private final @Nullable Path folder;
    private final AtomicLong looked = new AtomicLong(System.nanoTime());

    private TaskNotes(@Nullable Path folder) {
        this.folder = folder;
    }

    /** Notes in a folder, which need not be there yet. */
    public static TaskNotes in(Path folder) {
        return new TaskNotes(folder);
    }

    ExitNotes exits() {
        return folder == null ? ExitNotes.NONE : new ExitNotes(folder.resolve("exits"));
    }

    /** Those of one container. */
    ContainerNotes of(String id) {
        return new ContainerNotes(folder == null ? null : tasks(folder).resolve(id));
    }

    private static Path tasks(Path folder) {
        return folder.resolve("tasks");
    }

    /** Whether there is a container, or was one lately. */
    public boolean hasAny() throws IOException {
        return !all().isEmpty();
    }

    /** Those of all containers that the process before this one had, also of what was deleted lately. */
    List<ContainerNotes> all() throws IOException {
        List<ContainerNotes> all = new ArrayList<>();
        if (folder != null && Files.isDirectory(tasks(folder))) {
            try (var folders = Files.newDirectoryStream(tasks(folder))) {
                folders.forEach(each -> all.add(new ContainerNotes(each)));
            }
        }
        return all;
    }

    /**
     * That a container is about to be created, see {@link ContainerNotes#begin}. Takes the notes away of containers
     * that were deleted some time ago; looks at them once a minute.
     */
    void begin(ContainerNotes notes, CreateRequest request) throws IOException {
        forgetOld();
        synchronized (this) {
            notes.begin(request);
        }
    }

    /** Not while one by the same id is noted, whose notes these would be by then. */
    private synchronized void forgetOld() {
        var now = System.nanoTime();
        var last = looked.get();
        if (now - last < LOOK.toNanos() || !looked.compareAndSet(last, now)) {
            return;
        }
        try {
            for (var notes : all()) {
                var since = notes.deletedAt();
                if (since != null && since.plus(MEMORY).isBefore(Instant.now())) {
                    notes.clear();
                }
            }
        } catch (IOException e) {
            ShimLog.warn("cannot forget a deleted container", "error", e);
        }
    }
}
