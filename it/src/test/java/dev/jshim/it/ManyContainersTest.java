package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Many v1 containers under one bridge: 10, and 100 with {@code -Djshim.test.all=true}. Prints what it took; what it
 * asserts is that all are carried over, not that it was quick.
 */
@ParameterizedClass(name = "from containerd {0}")
@MethodSource("oneRelease")
class ManyContainersTest extends MigrationScenario {
    private static final int MANY =
            System.getProperty("jshim.test.all", "false").equals("true") ? 100 : 10;

    /** Long enough for idleness to show. */
    private static final Duration IDLE = MANY > 10 ? Duration.ofSeconds(30) : Duration.ofSeconds(3);

    ManyContainersTest(Release old) {
        super(old);
    }

    /** The old daemon has no part in it. */
    static Stream<Release> oneRelease() {
        return Stream.of(Release.V1_6);
    }

    @Test
    void allAtOnce() throws IOException {
        Map<String, ProcessFacts> all = new TreeMap<>();
        for (int i = 0; i < MANY; i++) {
            all.put("c" + i, legacy("c" + i));
        }
        Outcome apply = timed("apply", () -> migrate("apply", "--yes").ok());
        assertThat(apply.out()).contains("c0");

        long stopped = System.nanoTime();
        node.stop();
        timed("apply again, containerd stopped", () -> migrate("apply", "--yes").ok());
        timed("verify", () -> Product.ctl(node, "bridge", "verify").ok());
        timed("containerd 2.x starts", () -> {
            node.switchTo(Release.V2);
            return 0;
        });
        assertAll(all);
        say("without control", Duration.ofNanos(System.nanoTime() - stopped).toMillis() + " ms");

        long bridge = bridge();
        sayOf(bridge);
        Wait.until(Duration.ofSeconds(60), "an idle bridge does nothing", () -> isIdle(bridge));

        timed("containerd killed and started", () -> {
            node.kill9();
            node.start();
            return 0;
        });
        assertAll(all);
        timed("replace", () -> Product.ctl(node, "bridge", "replace").ok());
        assertAll(all);
        Signal.KILL.to(bridge());
        timed("killed, and all listed", () -> {
            // containerd has 2 s for each in a list, which a starved machine can take.
            Wait.until("all are listed", () -> areListed(all));
            return 0;
        });
        assertAll(all);
        sayOf(bridge());
        FileLimit limit = FileLimit.of(bridge());
        assertThat(limit.soft()).as("raised by the bridge itself").isEqualTo(limit.hard());
        say("its keeper", "");
        sayOf(new KeptBridge(node).keeper());
        all.keySet().forEach(node::remove);
    }

    /** Not at once: what it has begun for the new daemon takes its time on a busy machine. */
    private static boolean isIdle(long bridge) {
        long before = cpuTicks(bridge);
        Wait.pause(IDLE);
        long ticks = cpuTicks(bridge) - before;
        say("cpu while idle", ticks + " ticks of 10 ms in " + IDLE.toSeconds() + " s");
        return ticks < IDLE.toSeconds() * 5;
    }

    private boolean areListed(Map<String, ProcessFacts> all) {
        Tasks tasks = Tasks.of(node);
        return all.keySet().stream().allMatch(tasks::isRunning);
    }

    private void assertAll(Map<String, ProcessFacts> all) {
        Tasks tasks = Tasks.of(node);
        all.forEach((id, init) -> {
            assertThat(tasks.isRunning(id)).as(id).isTrue();
            assertThat(tasks.get(id).pid()).isEqualTo(init.pid());
            assertThat(init.alive()).isTrue();
        });
    }

    private static <T> T timed(String what, Supplier<T> action) {
        long began = System.nanoTime();
        T result = action.get();
        say(what, Duration.ofNanos(System.nanoTime() - began).toMillis() + " ms");
        return result;
    }

    private static void sayOf(long pid) {
        try {
            Path proc = Path.of("/proc/" + pid);
            say("status", line(proc.resolve("status"), "VmRSS:") + ", " + line(proc.resolve("status"), "Threads:"));
            say("memory", line(proc.resolve("smaps_rollup"), "Pss:"));
            try (Stream<Path> fds = Files.list(proc.resolve("fd"))) {
                say("descriptors", Long.toString(fds.count()));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String line(Path file, String name) throws IOException {
        try (Stream<String> lines = Files.lines(file)) {
            return lines.filter(line -> line.startsWith(name))
                    .findFirst()
                    .orElse(name + " ?")
                    .replaceAll("\\s+", " ");
        }
    }

    /** utime and stime of /proc/PID/stat. */
    private static long cpuTicks(long pid) {
        try {
            String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
            return Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void say(String what, String how) {
        System.out.println(MANY + " containers: " + what + ": " + how);
    }
}
