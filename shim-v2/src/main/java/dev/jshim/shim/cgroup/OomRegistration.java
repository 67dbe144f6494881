package dev.jshim.shim.cgroup;

import dev.jshim.linux.EventFd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** How cgroup v1 is asked for a signal (Documentation/admin-guide/cgroup-v1/memory.rst, "OOM Control"). */
final class OomRegistration {
    private OomRegistration() {}

    /** The eventfd is signalled from now on until it is closed, and when the cgroup is removed. */
    static void register(Path directory, EventFd signal) throws IOException {
        // Only the write needs the descriptor of the file: the kernel keeps the cgroup, not the file.
        try (var control = FileCalls.open(directory.resolve("memory.oom_control"), OpenFlags.O_RDONLY, 0);
                var events = FileCalls.open(directory.resolve("cgroup.event_control"), OpenFlags.O_WRONLY, 0)) {
            var line = signal.fd().number() + " " + control.number();
            events.writeFully(line.getBytes(StandardCharsets.US_ASCII));
        }
    }
}
