package dev.jshim.bridge.migrate;

import dev.jshim.bridge.AddedBundle;
import dev.jshim.bridge.BridgePaths;
import dev.jshim.bridge.LegacyRecord;
import dev.jshim.linux.ProcessId;
import dev.jshim.node.Node;
import dev.jshim.node.TaskId;
import dev.jshim.node.V2Bundle;
import dev.jshim.proto.v2.bridge.Adopted;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The work of {@code verify}: asks what a containerd 2.x asks, of each bundle that it would load. Changes nothing. */
final class VerifySurvey {
    /** What to say of somebody's copy of an added bundle. */
    static final String COPY = "is a copy of the bundle of another container: move it away, containerd 2.x would take"
            + " it for a container and delete it";

    private final BridgePaths paths;
    private final Duration timeout;
    private final boolean isNewDaemonThere;
    private final List<ReportRow> rows = new ArrayList<>();
    private final List<String> problems = new ArrayList<>();

    /**
     * For one look.
     *
     * @param isNewDaemonThere whether a containerd 2.x answers: it must have loaded the bundles then
     */
    VerifySurvey(BridgePaths paths, Duration timeout, boolean isNewDaemonThere) {
        this.paths = paths;
        this.timeout = timeout;
        this.isNewDaemonThere = isNewDaemonThere;
    }

    /**
     * Looks.
     *
     * @param candidates all v1 bundles
     */
    Verification verify(List<Candidate> candidates) {
        var node = Node.read(paths.node());
        var ours = node.v2().stream()
                .filter(bundle -> AddedBundle.isOurs(bundle.path()))
                .toList();
        var served = ours.isEmpty() ? Map.<TaskId, Adopted>of() : served();
        var ghosts = new Ghosts(paths, timeout).find();
        for (var bundle : ours) {
            var task = bundle.task();
            var wrong = ghosts.contains(task)
                    ? "its container was deleted meanwhile: apply takes the bundle away"
                    : wrong(bundle, served.get(task));
            rows.add(new ReportRow(task.namespace(), task.id(), wrong.isEmpty() ? Verification.OK : "wrong", wrong));
        }
        node.v2().stream()
                .filter(bundle -> AddedBundle.isCopy(bundle.path()))
                .map(V2Bundle::task)
                .forEach(task -> rows.add(new ReportRow(task.namespace(), task.id(), Verification.COPY, COPY)));
        for (var candidate : candidates) {
            if (!AddedBundle.isOurs(paths.node().v2Bundle(candidate.task())) && isAlive(candidate)) {
                missing(candidate);
            }
        }
        return new Verification(rows, problems);
    }

    private static boolean isAlive(Candidate candidate) {
        var row = candidate.row(); // Its pids were looked at just now, and are of its own processes.
        return ProcessId.find(row.shimPid()) != null || ProcessId.find(row.pid()) != null;
    }

    private void missing(Candidate candidate) {
        var reason = candidate.row().reason();
        rows.add(new ReportRow(
                candidate.task().namespace(),
                candidate.task().id(),
                "missing",
                reason.isEmpty() ? "it has no v2 bundle: run apply with containerd stopped" : reason));
    }

    private Map<TaskId, Adopted> served() {
        Map<TaskId, Adopted> served = new HashMap<>();
        try (var bridge = BridgeClient.connect(paths, timeout)) {
            for (var adopted : bridge.list().getAdoptedList()) {
                served.put(new TaskId(adopted.getNamespace(), adopted.getId()), adopted);
            }
        } catch (IOException e) {
            problems.add("no bridge answers on " + paths.control() + ": stop containerd, run apply, start containerd");
        }
        return served;
    }

    private String wrong(V2Bundle bundle, @Nullable Adopted served) {
        if (served == null) {
            return "the bridge does not serve it: stop containerd, run apply, start containerd";
        }
        try {
            BridgeClient.verify(paths.socket(bundle.task()), LegacyRecord.read(bundle.path()), timeout);
        } catch (IOException e) {
            return String.valueOf(e.getMessage());
        }
        return isNewDaemonThere && served.getClients() == 0
                ? "containerd runs and has not loaded it: restart containerd"
                : "";
    }
}
