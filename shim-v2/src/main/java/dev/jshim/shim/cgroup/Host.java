package dev.jshim.shim.cgroup;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * Where the kernel's file systems are found; the tests give a directory of recorded files instead of {@code /}.
 *
 * @param root the directory that stands for {@code /}
 */
record Host(Path root) {
    static final Host REAL = new Host(Path.of("/"));

    private static final String UNIFIED_MOUNT_POINT = "/sys/fs/cgroup";

    /** A path of the host, such as {@code /proc/partitions}, below the root. */
    Path at(String absolute) {
        return root.resolve(absolute.substring(1));
    }

    Cgroup cgroupOf(int pid) throws IOException {
        if (pid <= 0) {
            throw new IOException("pid " + pid + " is not that of a process");
        }
        return cgroupOf(membership(pid));
    }

    Cgroup cgroupOf(Membership membership) throws IOException {
        var mounts = mounts();
        return mounts.isCgroup2(UNIFIED_MOUNT_POINT)
                ? Cgroup2.locate(this, membership, mounts)
                : Cgroup1.locate(this, membership, mounts);
    }

    private Membership membership(int pid) throws IOException {
        var process = at("/proc/" + pid);
        var files = new StatFiles();
        try {
            var cgroups = files.text(process.resolve("cgroup"));
            // The kernel shows a zombie in the root of each v1 hierarchy, where the whole host would be taken for it.
            if (hasEnded(files.text(process.resolve("stat")))) {
                throw new NoSuchFileException(process.toString(), null, "the process has ended");
            }
            return Membership.parse(cgroups);
        } catch (IOException e) {
            // Reaped after the file was opened: the kernel then answers ESRCH instead of ENOENT.
            if (!Files.exists(process)) {
                throw new NoSuchFileException(process.toString(), null, "no such process");
            }
            throw e;
        }
    }

    /** The state follows the name, which is in parentheses and may itself hold some; man proc_pid_stat(5). */
    private static boolean hasEnded(String stat) {
        var state = stat.lastIndexOf(')') + 2;
        return state < stat.length() && (stat.charAt(state) == 'Z' || stat.charAt(state) == 'X');
    }

    /** Line by line: a busy node has thousands of mounts. Bytes that are no UTF-8 are replaced, not refused. */
    MountTable mounts() throws IOException {
        var file = Files.newInputStream(at("/proc/self/mountinfo"));
        try (var reader = new BufferedReader(new InputStreamReader(file, StandardCharsets.UTF_8))) {
            return MountTable.read(reader);
        }
    }
}
