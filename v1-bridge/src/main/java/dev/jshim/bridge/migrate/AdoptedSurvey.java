package dev.jshim.bridge.migrate;

import dev.jshim.bridge.record.AdoptedBundle;
import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.linux.Deadline;
import dev.jshim.linux.ProcessId;
import dev.jshim.node.bundle.V2Bundle;
import dev.jshim.node.shim.Shims;
import dev.jshim.node.survey.Node;
import dev.jshim.proto.v2.bridge.Adopted;
import dev.jshim.task.ShimSocket;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Asks the bridge, and all adopted containers through it, what is to be known of them. Changes nothing. */
final class AdoptedSurvey {
    static final String OK = "ok";
    /** Of a folder that is no container's: somebody's copy of a bundle. */
    static final String COPIED = "copy";

    /** What to say of such a copy. */
    static final String COPY = "is a copy of the bundle of another container: move it away, because"
            + " containerd 2.x would delete it and the work directory of the original";

    /** Between two tries of a socket that refuses: the bridge may be on its way up. */
    private static final Duration AGAIN = Duration.ofMillis(100);

    private final BridgePaths paths;
    private final Duration timeout;

    /** @param timeout for each answer */
    AdoptedSurvey(BridgePaths paths, Duration timeout) {
        this.paths = paths;
        this.timeout = timeout;
    }

    /** What the bridge serves; null if none answers. */
    private @Nullable Map<TaskId, Adopted> served() {
        var list = BridgeClient.ask(paths, timeout);
        return list == null
                ? null
                : list.getAdoptedList().stream().collect(Collectors.toMap(BridgeClient::task, Function.identity()));
    }

    /**
     * Asks each, all at once, what containerd asks when it starts and without whose answers it deletes the bundle
     * (containerd v2.1.4, core/runtime/v2/shim_load.go: Connect, then Pids). The timeout is for all together.
     */
    BridgeVerification answers() {
        var began = System.nanoTime();
        var deadline = Deadline.in(timeout);
        var bundles = AdoptedBundle.all(Node.read(paths.node()));
        List<Callable<Long>> questions = bundles.stream()
                .<Callable<Long>>map(bundle -> () -> answer(bundle, began, deadline))
                .toList();
        List<BridgeVerification.Row> rows = new ArrayList<>();
        try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
            var asked = executor.invokeAll(questions, timeout.toNanos(), TimeUnit.NANOSECONDS);
            for (var i = 0; i < asked.size(); i++) {
                var task = bundles.get(i).task();
                var isAnswered = asked.get(i).state() == Future.State.SUCCESS;
                rows.add(new BridgeVerification.Row(
                        task, isAnswered ? asked.get(i).resultNow() : 0, wrong(asked.get(i))));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            bundles.forEach(bundle -> rows.add(new BridgeVerification.Row(bundle.task(), 0, "interrupted")));
        }
        return new BridgeVerification(Duration.ofNanos(System.nanoTime() - began), rows);
    }

    /** The milliseconds until both answers were there. */
    private static long answer(V2Bundle bundle, long began, Deadline deadline) throws IOException {
        while (true) {
            try {
                BridgeClient.verify(socket(bundle), AdoptedRecord.read(bundle.path()), deadline.left());
                return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
            } catch (IOException e) {
                if (deadline.left().compareTo(AGAIN) <= 0) {
                    throw e;
                }
                Deadline.pause(AGAIN);
            }
        }
    }

    private static Path socket(V2Bundle bundle) throws IOException {
        return switch (bundle.socket()) {
            case ShimSocket.Named(var path) -> path;
            case null, default -> throw new IOException(bundle.path() + " names no socket");
        };
    }

    private String wrong(Future<Long> asked) {
        return switch (asked.state()) {
            case SUCCESS -> "";
            case FAILED -> String.valueOf(asked.exceptionNow().getMessage());
            case CANCELLED, RUNNING -> "no answer within " + timeout.toMillis() + " ms";
        };
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
        var node = Node.read(paths.node());
        var ours = AdoptedBundle.all(node);
        var served = ours.isEmpty() ? Map.<TaskId, Adopted>of() : served();
        if (served == null) {
            problems.add("no bridge answers on " + paths.control() + ": stop containerd, run apply, start containerd");
            served = Map.of();
        }
        var ghosts = new Ghosts(paths, timeout).find();
        for (var bundle : ours) {
            var task = bundle.task();
            var wrong = ghosts.contains(task)
                    ? "its container was deleted meanwhile: apply removes the bundle"
                    : wrong(bundle, served.get(task), isNewDaemonThere);
            rows.add(new Report.Row(task, wrong.isEmpty() ? OK : "wrong", wrong));
        }
        node.v2().stream()
                .filter(bundle -> AdoptedBundle.isCopy(bundle.path()))
                .map(V2Bundle::task)
                .forEach(task -> rows.add(new Report.Row(task, COPIED, COPY)));
        for (var candidate : candidates) {
            // Its pids were looked at just now, and are of its own processes.
            var isAlive = ProcessId.find(candidate.shimPid()) != null || ProcessId.find(candidate.pid()) != null;
            if (isAlive && !AdoptedBundle.isOurs(paths.node().v2Bundle(candidate.task()))) {
                var why = candidate.reason().isEmpty()
                        ? "it has no v2 bundle: run apply with containerd stopped"
                        : candidate.reason();
                rows.add(new Report.Row(candidate.task(), "missing", why));
            }
        }
        var isGood =
                problems.isEmpty() && rows.stream().allMatch(row -> row.result().equals(OK));
        return new Report(rows, problems, isGood);
    }

    private String wrong(V2Bundle bundle, @Nullable Adopted served, boolean isNewDaemonThere) {
        if (served == null) {
            return "the bridge does not serve it: stop containerd, run apply, start containerd";
        }
        try {
            BridgeClient.verify(paths.socket(bundle.task()), AdoptedRecord.read(bundle.path()), timeout);
        } catch (IOException e) {
            return String.valueOf(e.getMessage());
        }
        return isNewDaemonThere && served.getClients() == 0
                ? "containerd runs and has not loaded it: restart containerd"
                : "";
    }

    /** How the adoption stands. */
    Status status() {
        var rows = AdoptedBundle.all(Node.read(paths.node())).stream()
                .map(this::row)
                .toList();
        // After the tasks were asked: now the bridge knows which shims did not answer.
        var list = BridgeClient.ask(paths, timeout);
        if (list == null) {
            return new Status(false, 0, rows);
        }
        Map<TaskId, String> troubles = new HashMap<>();
        list.getAdoptedList().forEach(one -> troubles.put(BridgeClient.task(one), one.getTrouble()));
        return new Status(
                true,
                list.getPid(),
                rows.stream()
                        .map(row -> row.orReason(troubles.getOrDefault(row.task(), "")))
                        .toList());
    }

    private Status.Row row(V2Bundle bundle) {
        var task = bundle.task();
        AdoptedRecord record;
        try {
            record = AdoptedRecord.read(bundle.path());
        } catch (IOException e) {
            var why = String.valueOf(e.getMessage());
            return new Status.Row(task, 0, 0, false, "UNKNOWN", false, why);
        }
        var shimAlive = record.shim().isAlive();
        var answer = Shims.ask(bundle, timeout, shim -> shim.state("").status().name());
        var state = answer.orNull();
        return new Status.Row(
                task,
                record.init().pid(),
                record.shim().pid(),
                state != null,
                state == null ? "UNKNOWN" : state,
                shimAlive,
                state == null ? answer.describe() : shimAlive ? "" : "its v1 shim is dead");
    }
}
