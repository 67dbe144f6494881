package dev.jshim.shim.cgroup;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Moves the shim itself into a cgroup that somebody has made for it. */
public final class ShimCgroup {
    private ShimCgroup() {}

    /**
     * Moves a process into a cgroup, on v1 in each hierarchy that has it (cmd/containerd-shim-runc-v2/manager, v2.1.4).
     *
     * @param cgroup an absolute path below the hierarchies' roots
     * @throws IOException also if no hierarchy has such a cgroup
     */
    public static void enter(String cgroup, int pid) throws IOException {
        enter(Host.REAL, cgroup, pid);
    }

    static void enter(Host host, String cgroup, int pid) throws IOException {
        var entered = false;
        for (var mount : host.mounts().mounts()) {
            var place = mount.type().startsWith("cgroup") ? mount.locate(cgroup) : null;
            if (place == null) {
                continue;
            }
            var processes = host.at(place).resolve("cgroup.procs");
            if (Files.exists(processes)) {
                write(processes, pid);
                entered = true;
            }
        }
        if (!entered) {
            throw new IOException("ShimCgroup " + cgroup + " does not exist: make it first, or leave the option out");
        }
    }

    private static void write(Path processes, int pid) throws IOException {
        try {
            Files.writeString(processes, Integer.toString(pid), StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw new IOException("ShimCgroup: cannot enter " + processes.getParent() + ": " + e.getMessage(), e);
        }
    }
}
