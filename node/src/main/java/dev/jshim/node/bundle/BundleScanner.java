package dev.jshim.node.bundle;

import dev.jshim.node.NodePaths;
import dev.jshim.node.SmallFile;
import dev.jshim.node.socket.UnixSocketTable;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Lists the bundles of all namespaces. A broken one is listed with what is wrong; names that begin with a dot are
 * skipped, as containerd does (1.6.20, runtime/v1/linux/runtime.go; 2.1.4, core/runtime/v2/shim_load.go).
 */
public final class BundleScanner {
    private final NodePaths paths;
    private final UnixSocketTable sockets;
    private final List<String> problems = new ArrayList<>();

    public BundleScanner(NodePaths paths, UnixSocketTable sockets) {
        this.paths = paths;
        this.sockets = sockets;
    }

    /** All bundles, sorted by task; if a task has both, the v1 bundle comes first. */
    public List<Bundle> scan() {
        var out = new ArrayList<Bundle>();
        for (var task : tasks(paths.v1State())) {
            out.add(v1(task));
        }
        for (var task : tasks(paths.v2State())) {
            out.add(v2(task));
        }
        out.sort((a, b) -> a.task().compareTo(b.task()));
        return out;
    }

    /** The bundles of one task, that of v1 first; the others are not read. */
    public List<Bundle> scan(TaskId task) {
        var out = new ArrayList<Bundle>();
        if (isThere(paths.v1Bundle(task))) {
            out.add(v1(task));
        }
        if (isThere(paths.v2Bundle(task))) {
            out.add(v2(task));
        }
        return out;
    }

    /** Whether containerd takes it for a bundle. */
    public static boolean isThere(Path bundle) {
        var namespace = bundle.getParent();
        return namespace != null
                && !isHidden(namespace)
                && !isHidden(bundle)
                && isFolder(namespace)
                && isFolder(bundle);
    }

    private static boolean isHidden(Path path) {
        return name(path).startsWith(".");
    }

    /** A link is none, as for containerd: through it one container would be there under two names. */
    private static boolean isFolder(Path path) {
        return Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS);
    }

    /** What kept a directory from being listed, so far. */
    public List<String> problems() {
        return List.copyOf(problems);
    }

    /** Reads one v1 bundle, whether it exists or not. */
    public V1Bundle v1(TaskId task) {
        var path = paths.v1Bundle(task);
        var wrong = new ArrayList<String>();
        var initPid = SmallFile.pid(path.resolve("init.pid"), wrong);
        var shimPid = SmallFile.pid(path.resolve("shim.pid"), wrong);
        var config = config(path, wrong);
        var socket = V1Address.of(path, task, sockets, wrong);
        return new V1Bundle(task, path, paths.v1Work(task), initPid, shimPid, config, socket, wrong);
    }

    /** Reads one v2 bundle, whether it exists or not. */
    public V2Bundle v2(TaskId task) {
        var path = paths.v2Bundle(task);
        var wrong = new ArrayList<String>();
        var initPid = SmallFile.pid(path.resolve("init.pid"), wrong);
        var shimPid = SmallFile.pid(path.resolve("shim.pid"), wrong);
        var config = config(path, wrong);
        var endpoint = V2Address.of(path, wrong);
        var shimBinary = shimBinary(task, wrong);
        return new V2Bundle(task, path, paths.v2Work(task), initPid, shimPid, config, endpoint, shimBinary, wrong);
    }

    /**
     * A container that has joined its sandbox's shim without a call of the binary has the sandbox's id in its bundle
     * instead (2.1.9, core/runtime/v2/shim_manager.go).
     */
    private @Nullable Path shimBinary(TaskId task, List<String> wrong) {
        var bundle = paths.v2Bundle(task);
        var own = shimBinary(bundle, wrong);
        if (own != null) {
            return own;
        }
        var sandbox = SmallFile.text(bundle.resolve("sandbox"), wrong);
        return sandbox == null || !sandbox.matches("[A-Za-z0-9][A-Za-z0-9_.-]*")
                ? null
                : shimBinary(paths.v2Bundle(new TaskId(task.namespace(), sandbox)), wrong);
    }

    private static @Nullable Path shimBinary(Path bundle, List<String> wrong) {
        var binary = SmallFile.text(bundle.resolve("shim-binary-path"), wrong);
        return binary == null || binary.isEmpty() || binary.indexOf('\0') >= 0 ? null : Path.of(binary);
    }

    private static OciConfig config(Path bundle, List<String> wrong) {
        var config = OciConfigReader.read(bundle);
        if (config.problem() != null) {
            wrong.add(config.problem());
        }
        return config;
    }

    private List<TaskId> tasks(Path state) {
        var out = new ArrayList<TaskId>();
        for (var namespace : directories(state)) {
            for (var bundle : directories(namespace)) {
                out.add(new TaskId(name(namespace), name(bundle)));
            }
        }
        return out;
    }

    private List<Path> directories(Path parent) {
        var out = new ArrayList<Path>();
        try (var entries = Files.newDirectoryStream(parent)) {
            for (var entry : entries) {
                if (!isHidden(entry) && isFolder(entry)) {
                    out.add(entry);
                }
            }
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (AccessDeniedException e) {
            problems.add(parent + " cannot be listed: permission denied");
        } catch (IOException | DirectoryIteratorException e) {
            problems.add(parent + " cannot be listed: " + e);
        }
        return out;
    }

    private static String name(Path path) {
        return String.valueOf(path.getFileName());
    }
}
