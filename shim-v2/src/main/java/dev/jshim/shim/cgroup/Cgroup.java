package dev.jshim.shim.cgroup;

import com.google.protobuf.Message;
import java.io.IOException;
import java.util.List;

/**
 * Where a container's processes are accounted: remembered from when its init lived, usable after init is gone.
 *
 * <p>Immutable and thread-safe. Nothing is cached but the places of the directories: each call reads the kernel's files
 * again, and blocks only for as long as the kernel takes to print them.
 */
public sealed interface Cgroup permits Cgroup1, Cgroup2 {

    /**
     * Finds the cgroup of a running process, from {@code /proc/PID/cgroup} and {@code /proc/self/mountinfo}.
     *
     * <p>A host counts as cgroup v2 only if {@code /sys/fs/cgroup} itself is cgroup2; a hybrid one is v1, as for
     * containerd (containerd/cgroups utils.go {@code Mode}, runc/container.go {@code loadProcessCgroup}, v2.1.4).
     *
     * @throws java.nio.file.NoSuchFileException when there is no such process, it has ended, or its cgroup was removed
     * @throws IOException when the files cannot be read or understood, or no hierarchy that holds the process is
     *     mounted
     */
    static Cgroup of(int pid) throws IOException {
        return of(Host.REAL, pid);
    }

    /**
     * What {@code /proc/PID/cgroup} says of a running process, for {@link #of(String)}.
     *
     * @throws java.nio.file.NoSuchFileException when there is no such process, or it has ended
     */
    static String membership(int pid) throws IOException {
        return Host.REAL.membership(pid);
    }

    /**
     * Finds the cgroup of a process that may have ended, by what its {@code /proc/PID/cgroup} said while it ran.
     * Whether it is still there, and the same, is not known.
     *
     * @throws IOException if the text cannot be understood, or no hierarchy that held the process is mounted
     */
    static Cgroup of(String membership) throws IOException {
        return of(Host.REAL, Membership.parse(membership));
    }

    /** The same on a host that tests have made of recorded files. */
    static Cgroup of(Host host, int pid) throws IOException {
        if (pid <= 0) {
            throw new IOException("pid " + pid + " is not that of a process");
        }
        return of(host, Membership.parse(host.membership(pid)));
    }

    private static Cgroup of(Host host, Membership membership) throws IOException {
        var mounts = host.mounts();
        return mounts.isCgroup2("/sys/fs/cgroup")
                ? Cgroup2.locate(host, membership, mounts)
                : Cgroup1.locate(host, membership, mounts);
    }

    /**
     * Every process in this cgroup and in its children, each once, in ascending order; what {@code runc ps} lists.
     * Empty when the cgroup is gone. The list cannot be modified.
     *
     * @throws IOException when a list of processes cannot be read although its cgroup exists
     */
    List<Integer> pids() throws IOException;

    /**
     * What the Go shim's Stats answers for this cgroup, field by field: {@code io.containerd.cgroups.v1.Metrics} or
     * {@code io.containerd.cgroups.v2.Metrics}. A file that does not exist leaves its fields unset.
     *
     * @throws IOException when a file cannot be read or understood; on v2 also when the cgroup is gone
     */
    Message stats() throws IOException;
}
