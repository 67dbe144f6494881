package dev.jshim.node.daemon;

import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.FileCalls;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.process.ProcessFacts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Who has the metadata of a containerd, {@code meta.db} in its root directory. It holds a lock of flock(2) on it as
 * long as it runs, and no second one can (1.6.20, services/server/server.go, and plugins/metadata/plugin.go of 2.x, by
 * bbolt's bolt_unix.go): the process with the lock is the daemon of that root, whatever its program, its configuration
 * and its socket are called.
 */
final class Metadata {
    private static final Path NAME = Path.of("io.containerd.metadata.v1.bolt", "meta.db");

    private final ProcFs proc;

    Metadata(ProcFs proc) {
        this.proc = proc;
    }

    /**
     * A daemon with the root that it has.
     *
     * @param root as the daemon itself knows it
     */
    record Holder(ProcessFacts process, Path root) {}

    private static Path file(Path root) {
        return root.resolve(NAME);
    }

    /**
     * Who holds those of a root: one, or none that can be seen. Also one in a container of this machine, and also a
     * stranger, see {@link #isOwners}.
     */
    List<ProcessFacts> holders(Path root) {
        var file = file(root);
        var inode = inode(file);
        List<ProcessFacts> found = new ArrayList<>();
        if (inode == 0) {
            return found;
        }
        for (var pid : pids().getOrDefault(inode, Set.of())) {
            var process = files(pid).stream().anyMatch(open -> isSame(open, file)) ? proc.facts(pid) : null;
            if (process != null) {
                found.add(process);
            }
        }
        return found;
    }

    /**
     * Who has those of a root open, with a lock or not: for one that is held though /proc/locks does not say by whom,
     * as the file has another inode there than stat(2) names (overlayfs). Goes through all processes.
     */
    List<ProcessFacts> openers(Path root) {
        var file = file(root);
        return proc.all().stream()
                .filter(process -> files(process.pid()).stream().anyMatch(open -> isSame(open, file)))
                .toList();
    }

    /**
     * Whether a process has the rights of whom the metadata of a root belong to. Anybody who may read them can lock
     * them while no containerd runs: what such a one says is not to be believed.
     */
    boolean isOwners(int pid, Path root) {
        return isOwners(file(root), pid);
    }

    private boolean isOwners(Path file, int pid) {
        return number(file, "unix:uid") == proc.user(pid);
    }

    /**
     * All daemons by what they hold, but those that call their root by a path that is another one here, and strangers.
     */
    List<Holder> all() {
        List<Holder> found = new ArrayList<>();
        pids().forEach((inode, pids) -> {
            for (var pid : pids) {
                for (var open : files(pid)) {
                    var root = inode(open) == inode && isOwners(open, pid) ? root(open) : null;
                    var process = root == null ? null : proc.facts(pid);
                    if (root != null && process != null) {
                        found.add(new Holder(process, root));
                    }
                }
            }
        });
        return found;
    }

    /**
     * Whether somebody holds those of a root, seen or not: it is tried to share the lock, for an instant. A containerd
     * that starts in that instant tries again 50 ms later.
     *
     * @throws IOException if it cannot be tried
     */
    boolean isHeld(Path root) throws IOException {
        var file = file(root);
        try {
            return Files.exists(file) && FileCalls.isFlocked(file);
        } catch (ErrnoException e) {
            throw new IOException("cannot find out whether a containerd has " + file + " open: " + e.getMessage(), e);
        }
    }

    /** Those with locks, by the inodes. */
    private Map<Long, Set<Integer>> pids() {
        Map<Long, Set<Integer>> pids = new HashMap<>();
        for (var lock : proc.flocks()) {
            pids.computeIfAbsent(lock.inode(), _ -> new HashSet<>()).add(lock.pid());
        }
        return pids;
    }

    /** The descriptors of a process that are open on such a file, by name. */
    private List<Path> files(int pid) {
        List<Path> files = new ArrayList<>();
        proc.fds(pid).forEach((number, target) -> {
            if (target.endsWith("/" + NAME)) {
                files.add(proc.fd(pid, number));
            }
        });
        return files;
    }

    /** Null if what it calls its root is something else here. */
    private static @Nullable Path root(Path open) {
        try {
            var file = Files.readSymbolicLink(open);
            var folder = file.getParent();
            return folder != null && isSame(open, file) ? folder.getParent() : null;
        } catch (IOException | InvalidPathException e) {
            return null;
        }
    }

    private static boolean isSame(Path one, Path other) {
        try {
            return Files.isSameFile(one, other);
        } catch (IOException e) {
            return false;
        }
    }

    /** 0 if there is no such file. */
    private static long inode(Path file) {
        return number(file, "unix:ino");
    }

    private static long number(Path file, String attribute) {
        try {
            return Files.getAttribute(file, attribute) instanceof Number number ? number.longValue() : 0;
        } catch (IOException | UnsupportedOperationException e) {
            return 0;
        }
    }
}
