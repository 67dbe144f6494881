package dev.jshim.ctl;

import dev.jshim.node.Bundle;
import dev.jshim.node.Health;
import dev.jshim.node.Node;
import dev.jshim.node.NodeSocket;
import dev.jshim.node.NodeTask;
import dev.jshim.node.SocketSurvey;
import dev.jshim.node.V1Bundle;
import java.util.ArrayList;
import java.util.List;

/** What {@code check} finds in tasks and sockets. */
final class TaskChecks {
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
        for (var socket : new SocketSurvey(
                        cli.proc(), cli.machine().sockets(), cli.globals().timeout())
                .of(node)) {
            if (socket.verdict() == NodeSocket.Verdict.EXPOSED && isMeant(socket)) {
                out.add(Finding.warning(
                        "socket",
                        socket.facts().socket().address() + ": "
                                + socket.facts().exposure(),
                        "who can connect can drive the shim, which runs as root",
                        "restart its container under a shim of containerd 1.3.9, 1.4.3 or later, or of jshim"));
            }
        }
        return out;
    }

    private boolean isMeant(NodeSocket socket) {
        return cli.globals().namespace() == null || !socket.namedBy().isEmpty();
    }

    private static void v1(NodeTask task, List<Finding> out) {
        Bundle bundle = task.bundle();
        if (!(bundle instanceof V1Bundle) || task.isBridged() || !(task.initLives() || task.shim() != null)) {
            return;
        }
        out.add(Finding.error(
                "v1 container",
                task.task() + " runs on the v1 runtime, shim pid " + task.shimPid(),
                "containerd 2.x has no v1 runtime: after the upgrade it runs on unseen; \"ctr deprecations list\""
                        + " does not know of it if it was started before the daemon",
                "adopt it (\"jshimctl migrate plan\"), or restart it on io.containerd.runc.v2"));
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
                        : "containerd takes a shim that does not answer for dead, and may wait for it at its start",
                lost
                        ? "\"jshimctl bundles\" shows what is left, \"jshimctl clean\" removes it"
                        : "\"jshimctl inspect " + task.task().id() + "\" shows all of it, before the upgrade"));
    }
}
