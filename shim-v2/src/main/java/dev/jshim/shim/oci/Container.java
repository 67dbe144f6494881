package dev.jshim.shim.oci;

import dev.jshim.linux.Fd;
import dev.jshim.linux.Terminal;
import dev.jshim.shim.keeper.FdStore;
import dev.jshim.shim.stdio.IoSettings;
import dev.jshim.shim.stdio.KeptStreams;
import dev.jshim.shim.stdio.ProcessIo;
import dev.jshim.shim.stdio.PumpLoop;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimLog;
import dev.jshim.task.Stdio;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/**
 * What init and the execs of a container share.
 *
 * @param namespace containerd's
 * @param background how long Delete waits for output that something left behind holds open
 * @param notes what a process after this one has to know
 * @param store holds the streams beyond the end of this process
 */
record Container(
        String namespace,
        String id,
        Path bundle,
        Rootfs rootfs,
        Runc runc,
        Reaper reaper,
        PumpLoop loop,
        RuntimeOptions options,
        OomNotice oom,
        Duration background,
        ContainerNotes notes,
        FdStore store) {
    /** What the names of held streams begin with, each followed by a blank, the container's id and that of the exec. */
    static final String STREAM = "io";

    /** In the place of an exec's id. */
    static final String INIT = "-";

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
    private Path console(String process) {
        var inBundle = bundle.resolve(process + ".tty");
        if (inBundle.toString().length() < SOCKET_NAME) {
            return inBundle;
        }
        var identity = Integer.toHexString(inBundle.toString().hashCode());
        return Path.of("/run/jshim/s", identity + "-" + ProcessHandle.current().pid() + ".tty");
    }

    /**
     * What the streams of a process are made with.
     *
     * @param execId empty for init
     * @param passThrough whether output FIFOs are handed to the process
     */
    IoSettings streams(String execId, boolean passThrough) {
        var isInit = execId.isEmpty();
        return new IoSettings(
                loop,
                console(isInit ? "init" : "exec-" + execId),
                passThrough,
                options.ioUid(),
                options.ioGid(),
                background,
                new Loggers(reaper, namespace, bundle, isInit ? id : execId),
                new KeptStreams(store, STREAM + " " + id + " " + (isInit ? INIT : execId) + " "));
    }

    /**
     * Opens the streams of a process, or opens them again.
     *
     * @param old what a process before this one had of them; becomes theirs
     */
    static ProcessIo open(Stdio stdio, IoSettings settings, Map<String, Fd> old) {
        return old.isEmpty() ? ProcessIo.open(stdio, settings) : ProcessIo.reopen(stdio, settings, old);
    }

    /** Where the runtime leaves the pid of a process. */
    Path pidFile(String execId) {
        return bundle.resolve(execId.isEmpty() ? "init.pid" : "exec-" + execId + ".pid");
    }

    /**
     * Deletes what a create or a restore that failed half way, or was killed, has left in the runtime's root: it would
     * be in the way of the next one. A container of another bundle that came there meanwhile is somebody else's.
     */
    void discard() {
        if (!runc.knows(id)) {
            return;
        }
        try {
            var owner = runc.bundleOf(id);
            if (owner.isPresent() && !isBundle(owner.get())) {
                ShimLog.warn("not deleted: the container is of another bundle", "id", id, "bundle", owner.get());
                BundleFiles.forgetRuntime(bundle);
                return;
            }
            runc.delete(id, true);
        } catch (IOException | ShimException e) {
            ShimLog.warn("cannot delete what a failed create left", "id", id, "error", e.getMessage());
        }
    }

    private boolean isBundle(Path other) throws IOException {
        // By its name if it is gone: a daemon that has given the container up takes the bundle away.
        return other.equals(bundle) || (Files.exists(other) && Files.isSameFile(other, bundle));
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
