package dev.jshim.ctl.upgrade;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.node.NodePaths;
import dev.jshim.node.bundle.Bundle;
import dev.jshim.node.bundle.V1Bundle;
import dev.jshim.node.bundle.V2Bundle;
import dev.jshim.node.leftover.OtherNode;
import dev.jshim.node.leftover.Stray;
import dev.jshim.node.shim.ShimProcesses;
import dev.jshim.node.socket.NodeSocket;
import dev.jshim.node.survey.Health;
import dev.jshim.node.survey.Node;
import dev.jshim.node.survey.NodeTask;
import dev.jshim.node.survey.SocketSurvey;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** What {@code check} finds in tasks and sockets. */
final class TaskChecks {
    private static final String V1 = "v1 container";
    private static final String UNSEEN =
            "containerd 2.x has no v1 runtime: after the upgrade the container runs on unseen;"
                    + " \"ctr deprecations list\" does not list it if it was started before the daemon";

    private final Cli cli;

    TaskChecks(Cli cli) {
        this.cli = cli;
    }

    List<Finding> of(Node node) {
        var out = new ArrayList<Finding>();
        for (var task : cli.reader().ask(node.bundles())) {
            v1(task, out);
            health(task, out);
        }
        var found = cli.reader().strays();
        for (var stray : found.strays()) {
            if (stray.kind() == Stray.Kind.SOCKET_WITHOUT_BUNDLE) {
                continue; // an exposed one is named below
            }
            out.add(Finding.warning(
                    "without a bundle",
                    stray.task() + ": " + stray.what(),
                    "no containerd sees it, neither the running one nor a new one",
                    "if it is still needed, start a replacement; then end this one by its pid"));
        }
        found.others().stream()
                .filter(other -> other.root().isAbsolute() && other.state().isAbsolute())
                .forEach(other -> other(other, out));
        for (var socket : new SocketSurvey(
                        cli.proc(), cli.machine().sockets(), cli.globals().timeout())
                .of(node)) {
            if (socket.verdict() == NodeSocket.Verdict.EXPOSED && isMeant(socket)) {
                out.add(Finding.warning(
                        "socket",
                        socket.facts().socket().address() + ": "
                                + socket.facts().exposure(),
                        "whoever can connect controls the shim, which runs as root",
                        "restart its container under a shim of containerd 1.3.9, 1.4.3 or later, or of jshim"));
            }
        }
        return out;
    }

    private boolean isMeant(NodeSocket socket) {
        return cli.globals().namespace() == null || !socket.namedBy().isEmpty();
    }

    /** Of another containerd of this machine, whose shims are not asked: they are not what the options name. */
    private void other(OtherNode other, List<Finding> out) {
        var bundles = Node.read(new NodePaths(other.root(), other.state()), cli.proc())
                .bundles();
        var adopted = bundles.stream()
                .filter(bundle -> bundle instanceof V2Bundle v2 && v2.hasLegacyName())
                .map(Bundle::task)
                .collect(Collectors.toSet());
        var shims = new ShimProcesses(cli.proc());
        for (var bundle : bundles) {
            var shim = bundle instanceof V1Bundle && !adopted.contains(bundle.task()) ? shims.of(bundle) : null;
            if (shim != null) {
                out.add(Finding.error(
                        V1,
                        running(bundle, shim.pid()) + ", of another containerd",
                        UNSEEN,
                        "that containerd needs its own migration: \"jshimctl --root " + other.root() + " --state "
                                + other.state() + " migrate plan\""));
            }
        }
    }

    private static void v1(NodeTask task, List<Finding> out) {
        Bundle bundle = task.bundle();
        if (!(bundle instanceof V1Bundle) || task.isBridged() || !(task.initLives() || task.shim() != null)) {
            return;
        }
        out.add(Finding.error(
                V1,
                running(bundle, task.shimPid()),
                UNSEEN,
                "adopt it (\"jshimctl migrate plan\"), or recreate it on io.containerd.runc.v2"));
    }

    private static String running(Bundle bundle, int shim) {
        return bundle.task() + " runs on the v1 runtime, shim pid " + shim;
    }

    private static void health(NodeTask task, List<Finding> out) {
        var health = task.health();
        if (health == Health.OK) {
            return;
        }
        var troubles = String.join("; ", task.troubles());
        var lost = health == Health.DEAD || health == Health.LEAKED;
        out.add(new Finding(
                health == Health.RESTARTING || health == Health.MUTE || health == Health.ORPHAN,
                "task",
                task.task() + " is " + health.label() + ": " + troubles,
                lost
                        ? "containerd has to clean it up when it starts"
                        : "containerd treats a shim that does not answer as dead, and may wait for it when it starts",
                lost
                        ? "\"jshimctl bundles\" lists the leftovers, \"jshimctl clean\" removes them"
                        : "find out why before the upgrade: \"jshimctl inspect ID\""));
    }
}
