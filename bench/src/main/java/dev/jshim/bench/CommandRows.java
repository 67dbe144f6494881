package dev.jshim.bench;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.function.Function;

/** What a user of {@code ctr} sees: the time of a run, of an exec, and how many a second. */
final class CommandRows {
    private static final String TRUE = "/bin/true";
    private static final int AT_A_TIME = 8;

    private final Rig rig;
    private final int rounds;

    CommandRows(Rig rig, int rounds) {
        this.rig = rig;
        this.rounds = rounds;
    }

    /** A container from nothing to nothing. The shim of node grouping is warm: it serves another container. */
    Row run() {
        var samples = new Samples();
        var other = rig.sleeper(Subject.NODE);
        for (var round = -1; round < rounds; round++) { // round -1 warms the page cache and the shim
            for (var subject : Subject.values()) {
                rig.use(subject);
                var millis = Rig.millis(rig.run(subject, TRUE));
                if (round >= 0) {
                    samples.add(subject, millis);
                }
            }
        }
        rig.node().remove(other);
        return new Row("`ctr run --rm` of /bin/true", "ms", 0.75, 1.3, true, samples);
    }

    /**
     * A container from nothing to nothing if the node's shim does not run yet: each has a namespace of its own, and the
     * shim ends with it. With pod grouping each container is such a first one, which is in the row of {@link #run}.
     */
    Row first() {
        var samples = new Samples();
        for (var round = -1; round < rounds; round++) {
            for (var subject : List.of(Subject.NODE, Subject.GO)) {
                rig.use(subject, "IdleTimeout = 0\n");
                var millis = Rig.millis(rig.first(subject, TRUE));
                if (round >= 0) {
                    samples.add(subject, millis);
                }
            }
        }
        return new Row("`ctr run --rm` of /bin/true, first container on an idle node", "ms", 1.6, 1.6, true, samples);
    }

    Row exec() {
        return execs("`ctr task exec` of /bin/true", 0.95, 3, rounds, id -> rig.exec(id, List.of(), TRUE));
    }

    /** As on a slow printer: each line is a write of its own, and the client reads it from a terminal in its turn. */
    Row lines(int repeats, int lines) {
        var seq = new String[] {"/bin/seq", "1", Integer.toString(lines)};
        return terminal(lines + " lines on a terminal", repeats, seq);
    }

    /** The same in large writes. */
    Row screens(int repeats, int screens) {
        var dd = new String[] {"/bin/dd", "if=/dev/zero", "bs=64k", "count=" + screens};
        return terminal(screens * 64 / 1024 + " MiB in large writes on a terminal", repeats, dd);
    }

    private Row terminal(String what, int repeats, String... argv) {
        return execs("`ctr task exec -t`, " + what, 1.0, 0, repeats, id -> onTerminal(id, argv));
    }

    private List<String> onTerminal(String id, String... argv) {
        var command = String.join(" ", rig.exec(id, List.of("-t"), argv));
        return List.of("/usr/bin/script", "--quiet", "--return", "--command", command, "/dev/null");
    }

    private Row execs(String what, double aim, int warm, int measured, Function<String, List<String>> command) {
        var samples = new Samples();
        var ids = new EnumMap<Subject, String>(Subject.class);
        for (var subject : Subject.values()) {
            ids.put(subject, rig.sleeper(subject));
        }
        for (var round = -warm; round < measured; round++) {
            for (var subject : Subject.values()) {
                var millis = Rig.millis(command.apply(ids.getOrDefault(subject, "")));
                if (round >= 0) {
                    samples.add(subject, millis);
                }
            }
        }
        ids.values().forEach(rig.node()::remove);
        return new Row(what, "ms", aim, Math.max(aim, 1.0), true, samples);
    }

    /** Each batch is {@code batch} containers, started, awaited and deleted eight at a time. */
    Row throughput(int batches, int batch) throws InterruptedException {
        var samples = new Samples();
        var other = rig.sleeper(Subject.NODE);
        for (var round = 0; round < batches; round++) {
            for (var subject : Subject.values()) {
                rig.use(subject);
                var commands = new ArrayList<List<String>>();
                for (var i = 0; i < batch; i++) {
                    commands.add(rig.run(subject, TRUE));
                }
                samples.add(subject, perSecond(commands));
            }
        }
        rig.node().remove(other);
        return new Row("8 at a time, `ctr run --rm`", "containers/s", 1.3, 0.7, false, samples);
    }

    private static double perSecond(List<List<String>> commands) throws InterruptedException {
        try (var pool = Executors.newFixedThreadPool(AT_A_TIME)) {
            var begin = System.nanoTime();
            List<Callable<Double>> runs = new ArrayList<>();
            commands.forEach(command -> runs.add(() -> Rig.millis(command)));
            for (var run : pool.invokeAll(runs)) {
                var _ = run.get();
            }
            return commands.size() * 1e9 / (System.nanoTime() - begin);
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }
}
