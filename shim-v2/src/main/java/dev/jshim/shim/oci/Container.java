package dev.jshim.shim.oci;

import dev.jshim.linux.Terminal;
import dev.jshim.shim.stdio.ProcessIo;
import dev.jshim.shim.stdio.PumpLoop;
import dev.jshim.shim.task.ShimException;
import java.io.IOException;
import java.nio.file.Path;

/** What init and the execs of a container share. */
record Container(
        String id,
        Path bundle,
        Rootfs rootfs,
        Runc runc,
        Reaper reaper,
        PumpLoop loop,
        RuntimeOptions options,
        OomNotice oom) {
    private static final int SOCKET_NAME = 100;

    /** Where CRIU leaves its logs unless the options say otherwise: containerd's work folder (runc/container.go). */
    Path criuWork() {
        var given = options.criuWorkPath();
        return given.isEmpty() ? bundle.resolve("work") : Path.of(given);
    }

    /**
     * Where the runtime is to send the terminal of a process. In the bundle, unless the name would be too long for a
     * socket there (sockaddr_un has 108 bytes).
     */
    Path console(String process) {
        var inBundle = bundle.resolve(process + ".tty");
        if (inBundle.toString().length() < SOCKET_NAME) {
            return inBundle;
        }
        var identity = Integer.toHexString(inBundle.toString().hashCode());
        return Path.of("/run/jshim/s", identity + "-" + ProcessHandle.current().pid() + ".tty");
    }

    /** Changes the size of a process's terminal. */
    static void resize(ProcessIo io, Terminal.Size size) {
        try {
            io.resize(size);
        } catch (IOException e) {
            throw new ShimException(ShimException.Kind.UNKNOWN, "cannot resize the terminal: " + e.getMessage(), e);
        }
    }
}
