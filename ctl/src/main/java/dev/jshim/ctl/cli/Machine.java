package dev.jshim.ctl.cli;

import dev.jshim.node.process.ProcFs;
import dev.jshim.node.survey.SocketSurvey;
import java.nio.file.Path;
import java.util.List;

/**
 * Where commands learn of the machine, beside containerd's own folders. Immutable.
 *
 * @param sockets the folders in which shims put their sockets
 */
public record Machine(ProcFs proc, Host host, List<Path> sockets) {
    public Machine {
        sockets = List.copyOf(sockets);
    }

    /** The one that we run on. */
    public static Machine ours() {
        return new Machine(ProcFs.system(), new LinuxHost(), SocketSurvey.FOLDERS);
    }
}
