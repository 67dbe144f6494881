package dev.jshim.ctl.upgrade;

import dev.jshim.bridge.migrate.BridgeService;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.CliException;
import dev.jshim.ctl.output.Fields;
import dev.jshim.ctl.output.TaskFields;
import dev.jshim.node.shim.KeeperState;
import dev.jshim.task.TaskId;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What the commands of {@code bridge} share. */
public final class Bridges {
    private Bridges() {}

    /** One that only looks: it needs no program of the bridge's. */
    public static BridgeService reading(Cli cli) {
        var globals = cli.globals();
        var none = Objects.requireNonNullElse(BridgeBinary.find(), Path.of("/"));
        return new BridgeService(globals.paths(), globals.address(), null, globals.timeout(), none);
    }

    /** One that changes the node. */
    static BridgeService changing(Cli cli) {
        var binary = BridgeBinary.forChanges();
        var globals = cli.globals();
        var daemon = Migrations.readableDaemon(cli);
        return new BridgeService(
                globals.paths(), globals.address(daemon), daemon.ttrpcSocket(), globals.timeout(), binary);
    }

    /** What is wrong with a bridge that dies again and again, in a line; null if none does. Asks nobody. */
    public static @Nullable String trouble(Cli cli) {
        var paths = new BridgePaths(cli.globals().paths());
        var keeper = KeeperState.living(paths.keeper());
        return keeper == null || !keeper.isWaiting()
                ? null
                : "the bridge dies again and again, " + keeper.restarts() + " times so far, last by " + keeper.last()
                        + "; its keeper waits before it starts it again; see " + paths.log();
    }

    /** That containerd does not have what the bridge serves, in a line; null if it does, or none runs. */
    public static @Nullable String unseen(Cli cli) {
        var unseen = KeeperState.living(new BridgePaths(cli.globals().paths()).keeper()) == null
                ? List.<TaskId>of()
                : reading(cli).unseen();
        return unseen.isEmpty()
                ? null
                : "containerd considers these exited, but they still run: "
                        + unseen.stream().map(TaskId::toString).sorted().collect(Collectors.joining(", "))
                        + "; restart containerd to bring them back";
    }

    /** What {@code check} finds in the bridge, if one runs or should. */
    static List<Finding> findings(Cli cli) {
        var out = new ArrayList<Finding>();
        var trouble = trouble(cli);
        if (trouble != null) {
            out.add(Finding.error(
                    "bridge",
                    trouble,
                    "the adopted containers keep running, but containerd waits for every answer about them",
                    "see the log; \"jshimctl bridge replace\" of another tree installs another version"));
            return out;
        }
        var unseen = unseen(cli);
        if (unseen != null) {
            out.add(Finding.error(
                    "bridge",
                    unseen,
                    "bridge and keeper have died together; a client may have started a second copy of each container,"
                            + " and both run now",
                    "end the copies, then restart containerd: it finds the old ones again; or end the old ones with"
                            + " \"jshimctl kill\""));
        }
        var state = reading(cli).state();
        var keeper = state.keeper();
        if (keeper != null && keeper.hasFailed()) {
            out.add(Finding.warning(
                    "bridge",
                    "the last \"bridge replace\" failed, and the previous bridge serves",
                    "the node still runs the old version",
                    "see " + new BridgePaths(cli.globals().paths()).log() + ", then try again"));
        }
        if (state.isRunning() && keeper == null) {
            out.add(Finding.warning(
                    "bridge",
                    "the bridge, pid " + state.pid() + ", has no keeper",
                    "if it dies, containerd considers every adopted container exited",
                    "if its version has none: stop containerd, then \"jshimctl bridge stop\" and"
                            + " \"jshimctl bridge start\"; otherwise see its log"));
        }
        return out;
    }

    static CliException failed(Exception e, String hint) {
        var failure = CliException.failed(String.valueOf(e.getMessage()), hint);
        failure.initCause(e);
        return failure;
    }

    /** Writes what was done, in one line or as an object. */
    static void write(Cli cli, String action, BridgeService.Done done) {
        done.notes().forEach(cli::note);
        var fields = new Fields()
                .with("action", action)
                .with("changed", done.changed())
                .with("bridgePid", TaskFields.known(done.pid()));
        cli.show(fields, () -> cli.out().println("bridge: " + action + (done.pid() == 0 ? "" : ", pid " + done.pid())));
    }
}
