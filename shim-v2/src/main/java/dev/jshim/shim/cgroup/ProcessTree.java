package dev.jshim.shim.cgroup;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/**
 * The processes of a cgroup and of all below it, as {@code runc ps} finds them. Cgroups come and go while they are
 * walked: one that has gone has no processes.
 */
final class ProcessTree {
    private final StatFiles files = new StatFiles();
    private final TreeSet<Integer> pids = new TreeSet<>();

    private ProcessTree() {}

    static List<Integer> pids(Path cgroup) throws IOException {
        var tree = new ProcessTree();
        tree.walk(cgroup);
        return List.copyOf(tree.pids);
    }

    private void walk(Path cgroup) throws IOException {
        try {
            read(cgroup);
            for (var child : children(cgroup)) {
                walk(child);
            }
        } catch (NoSuchFileException e) {
            return;
        } catch (IOException e) {
            // Removed after it was opened: the kernel then answers ENODEV instead of ENOENT.
            if (Files.isDirectory(cgroup)) {
                throw e;
            }
        }
    }

    private void read(Path cgroup) throws IOException {
        if (isThreaded(cgroup)) {
            return;
        }
        var file = cgroup.resolve("cgroup.procs");
        for (var line : new Lines(files.text(file))) {
            try {
                pids.add(Integer.valueOf(line));
            } catch (NumberFormatException e) {
                throw StatFiles.malformed(file, line);
            }
        }
    }

    /** A threaded cgroup (v2) refuses to list processes; they are in the list of the domain above it. */
    private boolean isThreaded(Path cgroup) throws IOException {
        try {
            return files.text(cgroup.resolve("cgroup.type")).startsWith("threaded");
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    private static List<Path> children(Path cgroup) throws IOException {
        var children = new ArrayList<Path>();
        try (var entries = Files.newDirectoryStream(cgroup)) {
            for (var entry : entries) {
                if (Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
                    children.add(entry);
                }
            }
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
        return children;
    }
}
