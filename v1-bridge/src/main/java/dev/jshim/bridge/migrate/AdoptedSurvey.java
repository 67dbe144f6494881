package dev.jshim.bridge.migrate;

import dev.jshim.bridge.record.AdoptedBundle;
import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.linux.Deadline;
import dev.jshim.linux.ProcessId;
import dev.jshim.node.Answer;
import dev.jshim.node.bundle.V1Bundle;
import dev.jshim.node.bundle.V2Bundle;
import dev.jshim.node.shim.Shims;
import dev.jshim.node.survey.Node;
import dev.jshim.proto.v2.bridge.ListResponse;
import dev.jshim.task.ShimSocket;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Asks the bridge, and all adopted containers through it, what is to be known of them. Changes nothing. */
record AdoptedSurvey(BridgeClient bridge) {
    static final String OK = "ok";
    /** Of a folder that is no container's: somebody's copy of a bundle. */
    static final String COPIED = "copy";

    /** What to say of such a copy. */
    static final String COPY = "is a copy of the bundle of another container: move it away, because"
            + " containerd 2.x would delete it and the work directory of the original";

    private static final String UNKNOWN = "UNKNOWN";

    /** Between two tries of a socket that refuses: the bridge may be on its way up. */
    private static final Duration AGAIN = Duration.ofMillis(100);

    /** Works on all at once; the results are in the same order. */
    static <T, R> List<R> atOnce(List<T> all, Function<T, R> work) {
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var begun = all.stream()
                    .map(one -> CompletableFuture.supplyAsync(() -> work.apply(one), threads))
                    .toList();
            return begun.stream().map(CompletableFuture::join).toList();
        }
    }

    private Node node() {
        return Node.read(bridge.paths().node());
    }

    /**
     * Asks each, all at once, what containerd asks when it starts and without whose answers it deletes the bundle
     * (containerd v2.1.4, core/runtime/v2/shim_load.go: Connect, then Pids). The timeout is for all together.
     *
     * @param isPatient whether one that refuses is asked again until the time is over
     * @param isForState whether each is asked for the state of its init, too
     */
    Status ask(boolean isPatient, boolean isForState) {
        var began = System.nanoTime();
        var end = Deadline.in(bridge.timeout());
        var rows = atOnce(AdoptedBundle.all(node()), bundle -> row(bundle, began, isPatient, isForState, end));
        return new Status(0, Duration.ofNanos(System.nanoTime() - began), rows);
    }

    private static Status.Row row(V2Bundle bundle, long began, boolean isPatient, boolean isForState, Deadline end) {
        AdoptedRecord record;
        try {
            record = AdoptedRecord.read(bundle.path());
        } catch (IOException e) {
            return new Status.Row(bundle.task(), 0, 0, false, UNKNOWN, -1, String.valueOf(e.getMessage()));
        }
        var why = "";
        var state = UNKNOWN;
        long millis = -1;
        try {
            verify(bundle, record, isPatient, end);
            millis = Duration.ofNanos(System.nanoTime() - began).toMillis();
            if (isForState) {
                var said = Shims.ask(
                        bundle, end.left(), shim -> shim.state("").status().name());
                state = said instanceof Answer.Answered<String>(var name, var _) ? name : UNKNOWN;
            }
        } catch (IOException | RuntimeException e) {
            // What is odd about one container must not keep the others from being asked.
            why = String.valueOf(e.getMessage());
        }
        var shim = record.shim();
        return new Status.Row(bundle.task(), record.init().pid(), shim.pid(), shim.isAlive(), state, millis, why);
    }

    private static void verify(V2Bundle bundle, AdoptedRecord record, boolean isPatient, Deadline end)
            throws IOException {
        if (!(bundle.socket() instanceof ShimSocket.Named(var socket))) {
            throw new IOException(bundle.path() + " names no socket");
        }
        while (true) {
            try {
                BridgeClient.verify(socket, record, end.left());
                return;
            } catch (IOException e) {
                if (!isPatient || end.left().compareTo(AGAIN) <= 0) {
                    throw e;
                }
                Deadline.pause(AGAIN);
            }
        }
    }

    /** The same as {@link #ask}, with what the bridge and the processes say of each. */
    Status status() {
        var asked = ask(false, true);
        // After the tasks were asked: now the bridge knows which shims did not answer.
        var list = bridge.ask();
        Map<TaskId, String> troubles = new HashMap<>();
        if (list != null) {
            list.getAdoptedList().forEach(one -> troubles.put(BridgeClient.task(one), one.getTrouble()));
        }
        var rows = asked.rows().stream()
                .map(row -> row.orReason(row.shimAlive() ? "" : "its v1 shim is dead")
                        .orReason(troubles.getOrDefault(row.task(), ""))
                        .orReason(row.state().equals(UNKNOWN) ? "it does not report its state" : ""))
                .toList();
        return new Status(list == null ? 0 : list.getPid(), asked.took(), rows);
    }

    /**
     * Adopted bundles whose container is no more: the old daemon has deleted it, and perhaps made another one of its
     * id. The bridge drops them by itself while it runs; this is for those that went while it did not.
     */
    List<TaskId> ghosts() {
        var node = node();
        return AdoptedBundle.all(node).stream()
                .filter(bundle -> isGhost(bundle, node.v1(bundle.task())))
                .map(V2Bundle::task)
                .toList();
    }

    private static boolean isGhost(V2Bundle bundle, @Nullable V1Bundle v1) {
        var record = AdoptedRecord.readable(bundle.path());
        // A v1 bundle with the same init is the container's own: it has died, and containerd is to hear of it.
        return record != null
                && !record.shim().isAlive()
                && !record.init().isAlive()
                && (v1 == null
                        || (v1.initPid() != 0 && v1.initPid() != record.init().pid()));
    }

    /**
     * Whether all would be found by a containerd 2.x that loads them.
     *
     * @param candidates all v1 bundles
     * @param isNewDaemonThere whether a containerd 2.x answers: it must have loaded them then
     */
    Report verify(List<Candidate> candidates, boolean isNewDaemonThere) {
        List<Report.Row> rows = new ArrayList<>();
        List<String> problems = new ArrayList<>();
        // Before the tasks are asked: these questions are clients of theirs, too.
        var list = AdoptedBundle.all(node()).isEmpty() ? ListResponse.getDefaultInstance() : bridge.ask();
        if (list == null) {
            problems.add("no bridge answers on " + bridge.paths().control()
                    + ": stop containerd, run apply, start containerd");
        }
        Map<TaskId, Integer> clients = new HashMap<>();
        if (list != null) {
            list.getAdoptedList().forEach(one -> clients.put(BridgeClient.task(one), one.getClients()));
        }
        var ghosts = ghosts();
        for (var row : ask(false, false).rows()) {
            var known = clients.get(row.task());
            var wrong = ghosts.contains(row.task())
                    ? "its container was deleted meanwhile: apply removes the bundle"
                    : known == null
                            ? "the bridge does not serve it: stop containerd, run apply, start containerd"
                            : row.reason().isEmpty() && isNewDaemonThere && known == 0
                                    ? "containerd runs and has not loaded it: restart containerd"
                                    : row.reason();
            rows.add(new Report.Row(row.task(), wrong.isEmpty() ? OK : "wrong", wrong));
        }
        node().v2().stream()
                .filter(bundle -> AdoptedBundle.isCopy(bundle.path()))
                .forEach(bundle -> rows.add(new Report.Row(bundle.task(), COPIED, COPY)));
        for (var candidate : candidates) {
            // Its pids were looked at just now, and are of its own processes.
            var isAlive = ProcessId.find(candidate.shimPid()) != null || ProcessId.find(candidate.pid()) != null;
            if (isAlive && !AdoptedBundle.isOurs(bridge.paths().node().v2Bundle(candidate.task()))) {
                var why = candidate.reason().isEmpty()
                        ? "it has no v2 bundle: run apply with containerd stopped"
                        : candidate.reason();
                rows.add(new Report.Row(candidate.task(), "missing", why));
            }
        }
        return new Report(
                rows,
                problems,
                problems.isEmpty() && rows.stream().allMatch(row -> row.result().equals(OK)));
    }
}
