package dev.jshim.bridge.migrate;

import dev.jshim.bridge.AddedBundle;
import dev.jshim.bridge.BridgePaths;
import dev.jshim.bridge.LegacyRecord;
import dev.jshim.node.Answer;
import dev.jshim.node.Node;
import dev.jshim.node.Shim;
import dev.jshim.node.V2Bundle;
import dev.jshim.proto.v2.bridge.ListResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.List;

/** Asks the bridge, and each adopted container through it. Changes nothing. */
final class StatusSurvey {
    private final BridgePaths paths;
    private final Duration timeout;

    StatusSurvey(BridgePaths paths, Duration timeout) {
        this.paths = paths;
        this.timeout = timeout;
    }

    Status survey() {
        List<StatusRow> rows = Node.read(paths.node()).v2().stream()
                .filter(bundle -> AddedBundle.isOurs(bundle.path()))
                .map(this::row)
                .toList();
        // After the tasks were asked: now the bridge knows which shims did not answer.
        try (var bridge = BridgeClient.connect(paths, timeout)) {
            var answer = bridge.list();
            return new Status(
                    true,
                    answer.getPid(),
                    rows.stream().map(row -> with(row, answer)).toList());
        } catch (IOException e) {
            return new Status(false, 0, rows);
        }
    }

    private static StatusRow with(StatusRow row, ListResponse answer) {
        return answer.getAdoptedList().stream()
                .filter(one -> one.getNamespace().equals(row.namespace())
                        && one.getId().equals(row.id()))
                .filter(one -> row.reason().isEmpty() && !one.getTrouble().isEmpty())
                .findFirst()
                .map(one -> row.withReason(one.getTrouble()))
                .orElse(row);
    }

    private StatusRow row(V2Bundle bundle) {
        var task = bundle.task();
        LegacyRecord record;
        try {
            record = LegacyRecord.read(bundle.path());
        } catch (IOException e) {
            return new StatusRow(
                    task.namespace(), task.id(), 0, 0, false, "UNKNOWN", false, String.valueOf(e.getMessage()));
        }
        var shimAlive = record.shim().isAlive();
        var answer = state(bundle);
        var state = answer.orNull();
        var reason = state == null ? answer.describe() : shimAlive ? "" : "its v1 shim is dead";
        return new StatusRow(
                task.namespace(),
                task.id(),
                record.init().pid(),
                record.shim().pid(),
                state != null,
                state == null ? "UNKNOWN" : state,
                shimAlive,
                reason);
    }

    private Answer<String> state(V2Bundle bundle) {
        return switch (Shim.open(bundle, timeout)) {
            case Answer.Answered<Shim>(var shim, var _) -> {
                try (shim) {
                    yield shim.state().map(state -> state.status().name());
                }
            }
            case Answer.Refused<Shim>(var code, var reason) -> new Answer.Refused<>(code, reason);
            case Answer.Mute<Shim>(var after) -> new Answer.Mute<>(after);
            case Answer.Absent<Shim>(var reason) -> new Answer.Absent<>(reason);
        };
    }
}
