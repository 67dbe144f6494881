package dev.jshim.shim.cgroup;

import com.google.protobuf.Message;
import java.io.IOException;

/** The metrics of a container of which only the pid of its running init is known. Thread-safe. */
public final class CgroupStats {

    private CgroupStats() {}

    /**
     * Same as {@code Cgroup.of(pid).stats()}.
     *
     * @throws IOException as {@link Cgroup#of} and {@link Cgroup#stats}
     */
    public static Message read(int pid) throws IOException {
        return Cgroup.of(pid).stats();
    }
}
