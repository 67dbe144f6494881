package dev.jshim.bench;

import dev.jshim.it.Run;
import dev.jshim.it.Wait;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** A gigabyte of a container's standard output, read by ctr and thrown away. */
final class OutputRows {
    private static final Duration LIMIT = Duration.ofMinutes(2);

    private final Rig rig;
    private final int megabytes;
    private final Samples millis = new Samples();
    private final Samples cpu = new Samples();

    OutputRows(Rig rig, int megabytes) {
        this.rig = rig;
        this.megabytes = megabytes;
    }

    /**
     * @param way in words, whether the bytes cross the shim
     * @param more lines of the node's configuration
     */
    List<Row> measure(int rounds, String way, String more) throws IOException, InterruptedException {
        for (var round = 0; round < rounds; round++) {
            for (var subject : Subject.values()) {
                sample(subject, more);
            }
        }
        var what = megabytes + " MiB of stdout, " + way;
        return List.of(
                new Row(what, "ms", 0.9, 0.9, true, millis),
                new Row(what + ": cpu of the shim", "s", 0.1, 0.1, true, cpu));
    }

    /** Begins when it is told to, so that the shim's own start is not in the numbers. */
    private String script() {
        return """
                echo >/ready
                while [ ! -e /go ]; do sleep 0.01; done
                dd if=/dev/zero bs=1M count=%d 2>/dev/null
                echo >/done
                exec sleep 100000
                """.formatted(megabytes);
    }

    private void sample(Subject subject, String more) throws IOException, InterruptedException {
        var go = rig.rootfs().resolve("go");
        var done = rig.rootfs().resolve("done");
        var ready = rig.rootfs().resolve("ready");
        for (var file : Set.of(go, done, ready)) {
            Files.deleteIfExists(file);
        }
        rig.use(subject, more);
        var id = rig.name();
        var command = new ArrayList<>(List.of("/bin/sh", "-c", "exec \"$@\" >/dev/null", "sh"));
        command.addAll(rig.run(subject, List.of("--rm"), id, "/bin/sh", "-c", script()));
        var ctr = Thread.ofVirtual().start(() -> {
            var _ = Run.of(command).within(LIMIT).run();
        });
        Wait.until(LIMIT, id + " is ready", () -> Files.exists(ready));
        var shims = Shims.of(rig.node(), List.of(id));
        var before = Shims.cpuSeconds(shims);
        Files.createFile(go);
        Wait.until(LIMIT, id + " has written", () -> Files.exists(done));
        cpu.add(subject, Shims.cpuSeconds(shims) - before);
        millis.add(subject, millisBetween(go, done));
        rig.node().ctr("task", "kill", "-s", "KILL", id).ok();
        ctr.join();
    }

    private static double millisBetween(Path first, Path second) throws IOException {
        var begin = Files.getLastModifiedTime(first).toInstant();
        return Duration.between(begin, Files.getLastModifiedTime(second).toInstant())
                        .toNanos()
                / 1e6;
    }
}
