package dev.jshim.bridge.record;

import dev.jshim.node.NodePaths;
import dev.jshim.node.bundle.V2Bundle;
import dev.jshim.node.survey.Node;
import dev.jshim.shim.keeper.FaultPoint;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;

/**
 * The v2 bundle that an adoption adds beside a v1 bundle (containerd v2.1.4, core/runtime/v2/bundle.go and
 * shim_load.go). Its rootfs is an empty directory and never the container's: whenever such a bundle fails to load,
 * containerd unmounts what is below it.
 */
public final class AdoptedBundle {
    /** containerd makes the directories above a bundle, and the work directory, with this mode too. */
    private static final String MODE = "rwx--x--x";

    private AdoptedBundle() {}

    /** The bundles of a node that adoptions have added. */
    public static List<V2Bundle> all(Node node) {
        return node.v2().stream().filter(bundle -> isOurs(bundle.path())).toList();
    }

    /** Whether a bundle exists and an adoption has added it. A damaged record does not matter. */
    public static boolean isOurs(Path bundle) {
        return hasRecord(bundle) && !isCopy(bundle);
    }

    /**
     * Whether it is somebody's copy of an adopted bundle: its record names another folder. Such a copy is nobody's
     * task, and not ours to remove.
     */
    public static boolean isCopy(Path bundle) {
        var record = AdoptedRecord.readable(bundle);
        return record != null && !record.isOf(bundle);
    }

    private static boolean hasRecord(Path bundle) {
        return Files.isRegularFile(bundle.resolve(AdoptedRecord.FILE));
    }

    /** The hidden directory in which a bundle is prepared; containerd ignores such names. */
    public static Path hidden(Path bundle) {
        return bundle.resolveSibling("." + bundle.getFileName() + ".jshim");
    }

    /**
     * Adds a bundle. All of it is on disk before anybody sees it.
     *
     * @param socket where the bridge serves the task
     * @param shimBinary absolute; what containerd runs for {@code delete}
     * @param bridgePid for the file {@code shim.pid}
     */
    public static void create(NodePaths paths, AdoptedRecord record, Path socket, Path shimBinary, int bridgePid)
            throws IOException {
        var task = record.task();
        var bundle = paths.v2Bundle(task);
        var work = paths.v2Work(task);
        makeParent(bundle);
        makeParent(work);
        var part = hidden(bundle);
        if (Files.exists(part)) {
            Directories.removeUnmounted(part);
        }
        Files.createDirectory(part, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        FaultPoint.at("bundle-begun");
        Files.createDirectory(part.resolve("rootfs"));
        Directories.writeNew(
                part.resolve("config.json"),
                Files.readAllBytes(record.v1Bundle().resolve("config.json")));
        write(part, "address", "unix://" + socket);
        write(part, "shim-binary-path", shimBinary.toString());
        write(part, "init.pid", Integer.toString(record.init().pid()));
        write(part, "shim.pid", Integer.toString(bridgePid));
        write(part, AdoptedRecord.FILE, record.text());
        Files.createSymbolicLink(part.resolve("work"), work);
        FaultPoint.at("bundle-filled");
        Directories.sync(part);
        Directories.make(work, MODE);
        FaultPoint.at("bundle-synced");
        Files.move(part, bundle, StandardCopyOption.ATOMIC_MOVE);
        FaultPoint.at("bundle-moved");
        Directories.syncParent(bundle);
    }

    /**
     * Removes a bundle that an adoption added, and its work directory. Nothing is unmounted: if something is mounted in
     * it, somebody else has mounted it.
     *
     * @throws IOException also for a bundle that is not ours, or contains a mount; nothing was removed then
     */
    public static void remove(Path bundle) throws IOException {
        if (!Files.isDirectory(bundle)) {
            return;
        }
        if (!isOurs(bundle)) {
            throw new IOException(bundle + " was not added by an adoption");
        }
        var link = bundle.resolve("work");
        var work = Files.isSymbolicLink(link) ? Files.readSymbolicLink(link) : null;
        Directories.refuseMounts(bundle, "is mounted");
        // containerd loses sight of it in one step, as if it had removed it itself.
        var hidden = hidden(bundle);
        if (Files.exists(hidden)) {
            Directories.removeUnmounted(hidden);
        }
        Files.move(bundle, hidden, StandardCopyOption.ATOMIC_MOVE);
        FaultPoint.at("removal-moved");
        if (work != null && Files.isDirectory(work) && work.endsWith(lastTwo(bundle))) {
            Directories.refuseMounts(work, "is mounted");
            Directories.removeUnmounted(work);
            Directories.syncParent(work);
        }
        FaultPoint.at("removal-work");
        Directories.removeUnmounted(hidden);
        Directories.syncParent(bundle);
    }

    /**
     * Removes what is left if {@link #create} or {@link #remove} was interrupted: the hidden directory and the work
     * directory. A work directory that is not known to be ours is only removed if it is empty.
     */
    public static void removeRest(NodePaths paths, TaskId task) throws IOException {
        var bundle = paths.v2Bundle(task);
        var work = paths.v2Work(task);
        var part = hidden(bundle);
        var isOurs = hasRecord(part);
        if (!Files.exists(bundle) && Files.isDirectory(work)) {
            Directories.refuseMounts(work, "is mounted");
            if (isOurs) {
                Directories.removeUnmounted(work);
            } else {
                deleteEmpty(work);
            }
            Directories.syncParent(work);
        }
        if (Files.isDirectory(part)) {
            Directories.refuseMounts(part, "is mounted");
            Directories.removeUnmounted(part);
            Directories.syncParent(part);
        }
    }

    private static void deleteEmpty(Path directory) throws IOException {
        try {
            Files.delete(directory);
        } catch (DirectoryNotEmptyException e) {
            // Somebody else's, or in use again.
        }
    }

    private static Path lastTwo(Path bundle) {
        var count = bundle.getNameCount();
        return bundle.subpath(count - 2, count);
    }

    private static void makeParent(Path path) throws IOException {
        var parent = path.getParent();
        if (parent != null) {
            Directories.make(parent, MODE);
        }
    }

    private static void write(Path directory, String name, String text) throws IOException {
        Directories.writeNew(directory.resolve(name), text.getBytes(StandardCharsets.UTF_8));
    }
}
