package dev.jshim.bench;

import dev.jshim.proto.v2.task3.PidsRequest;
import dev.jshim.proto.v2.task3.StateRequest;
import dev.jshim.proto.v2.task3.StatsRequest;
import dev.jshim.proto.v2.task3.TaskGrpc;
import dev.jshim.ttrpc.TtrpcChannel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.regex.Pattern;

/** Calls a second that a warm shim answers to one client, one after the other, past containerd. */
final class CallRows {
    private static final Duration CONNECT = Duration.ofSeconds(5);
    private static final Pattern ADDRESS = Pattern.compile("unix://([^\"\\s]+)");

    /** A call whose answer does not matter. */
    private interface Call {
        void make(TaskGrpc.TaskBlockingStub shim, String id);
    }

    private final Rig rig;
    private final int calls;

    CallRows(Rig rig, int calls) {
        this.rig = rig;
        this.calls = calls;
    }

    /** Each sample is the rate of that many calls; the first round is not counted. */
    List<Row> measure(int rounds) throws IOException {
        var ids = new EnumMap<Subject, String>(Subject.class);
        for (var subject : Subject.values()) {
            ids.put(subject, rig.sleeper(subject));
        }
        var rows = new ArrayList<Row>();
        rows.add(row("State", ids, rounds, (shim, id) -> {
            var _ = shim.state(StateRequest.newBuilder().setId(id).build());
        }));
        rows.add(row("Pids", ids, rounds, (shim, id) -> {
            var _ = shim.pids(PidsRequest.newBuilder().setId(id).build());
        }));
        rows.add(row("Stats", ids, rounds, (shim, id) -> {
            var _ = shim.stats(StatsRequest.newBuilder().setId(id).build());
        }));
        ids.values().forEach(rig.node()::remove);
        return rows;
    }

    private Row row(String name, EnumMap<Subject, String> ids, int rounds, Call call) throws IOException {
        var samples = new Samples();
        for (var round = -1; round < rounds; round++) {
            for (var subject : Subject.values()) {
                var rate = rate(ids.getOrDefault(subject, ""), call);
                if (round >= 0) {
                    samples.add(subject, rate);
                }
            }
        }
        return new Row(name + " by ttrpc", "calls/s", 0.8, 0.7, false, samples);
    }

    private double rate(String id, Call call) throws IOException {
        try (var channel = TtrpcChannel.connect(socket(id), CONNECT)) {
            var shim = TaskGrpc.newBlockingStub(channel);
            var begin = System.nanoTime();
            for (var i = 0; i < calls; i++) {
                call.make(shim, id);
            }
            return calls * 1e9 / (System.nanoTime() - begin);
        }
    }

    /** containerd 2 keeps it as JSON. */
    private Path socket(String id) throws IOException {
        var text = Files.readString(rig.node().bundle(id).resolve("bootstrap.json"));
        var address = ADDRESS.matcher(text);
        if (!address.find()) {
            throw new IllegalStateException("no unix socket in " + text);
        }
        return Path.of(address.group(1));
    }
}
