package dev.jshim.bridge.migrate;

import dev.jshim.node.Answer;
import dev.jshim.node.daemon.ContainerdVersion;
import dev.jshim.node.daemon.RootDaemon;
import java.nio.file.Path;

/** What a migration refuses because of the containerd that runs. */
final class DaemonGuard {
    private DaemonGuard() {}

    /**
     * A 2.x; and one that says nothing, or no version: it may be a 2.x that hangs or is about to start.
     *
     * @param why it is in the way
     */
    static void refuseNew(RootDaemon.Found running, Path root, String why) throws MigrationException {
        switch (running.version()) {
            case Answer.Answered<ContainerdVersion>(var version, var _) -> {
                if (version.major() != 1) {
                    throw new MigrationException("containerd " + version.version() + " answers on " + running.socket()
                            + ", and " + (version.major() == 0 ? "if that is a 2.x, " : "") + why);
                }
            }
            case Answer.Mute<ContainerdVersion> _, Answer.Refused<ContainerdVersion> _ -> {
                var who = running.holder().isEmpty()
                        ? "a daemon listens on " + running.socket()
                        : running.holder() + " has the metadata in " + root + " open, as containerd would,";
                throw new MigrationException(who + " but does not report its version: if it is containerd 2.x, " + why);
            }
            case Answer.Absent<ContainerdVersion> _ -> {}
        }
    }

    /** One that has the v1 runtime. */
    static void refuseOld(RootDaemon.Found running) throws MigrationException {
        var version = running.version().orNull();
        if (version != null && version.major() < 2) {
            throw new MigrationException("containerd " + version.version() + " answers on " + running.socket()
                    + ", which has the v1 runtime itself, so nothing is lost: use apply");
        }
    }

    /** One of another root, to which the bridge would send its events. */
    static void refuseRival(RootDaemon.Found running, Path root) throws MigrationException {
        if (!running.rival().isEmpty()) {
            throw new MigrationException(running.rival() + ": name the socket of the containerd with the root " + root
                    + "; nothing was changed");
        }
    }
}
