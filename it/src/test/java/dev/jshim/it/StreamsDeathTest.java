package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** The JVM of a shim dies in the midst of all that goes through streams. */
@ParameterizedClass(name = "{0}")
@MethodSource("dev.jshim.it.Setup#lasting")
class StreamsDeathTest extends ShimScenario {
    private static final int DEATHS = 4;

    StreamsDeathTest(Setup setup) {
        super(setup);
    }

    /** Kills one JVM after the other, while that is done. */
    private <T> T whileItDies(String id, Callable<T> work) throws Exception {
        long shim = Long.parseLong(
                Files.readString(node.bundle(id).resolve("shim.pid")).strip());
        var done = new CompletableFuture<T>();
        Thread.ofPlatform().start(() -> {
            try {
                done.complete(work.call());
            } catch (Exception | AssertionError e) {
                done.completeExceptionally(e);
            }
        });
        for (int i = 0; i < DEATHS; i++) {
            ProcessFacts jvm = Wait.forValue(
                    () -> "a JVM of " + shim,
                    () -> ProcessFacts.find(Shims.jvm(shim)).orElse(null));
            Signal.KILL.to(jvm.pid());
            Wait.until("it is dead", () -> !jvm.alive());
        }
        return done.get();
    }

    @Test
    void megabytesThroughInputAndOutput() throws Exception {
        byte[] sent = Noise.megabytes(20);
        sleeper("one");

        Outcome exec = whileItDies(
                "one",
                () -> node.execRun(sent, "one", "e", "/bin/sh", "-c", "cat" + UNTIL_HEARD)
                        .whenSaid(sent.length, () -> heard("one"))
                        .run()
                        .ok());

        Noise.assertSame(exec.output(), sent);
        node.remove("one");
    }

    @Test
    void linesIntoAFile() throws Exception {
        Path log = node.dir().resolve("one.log");
        String script = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo $i; done; touch /written; exec sleep 1000";
        node.ctr(node.runArgs(runtime, List.of("-d", "--log-uri", "file://" + log), "one", "/bin/sh", "-c", script)
                        .toArray(String[]::new))
                .ok();
        Path written = Path.of("/proc/" + node.init("one").pid() + "/root/written");

        whileItDies("one", () -> {
            Wait.until("all is written", () -> Files.exists(written));
            return true;
        });

        Wait.until("all has come", () -> lines(log).size() >= 20_000);
        List<String> lines = lines(log);
        assertThat(lines).hasSize(20_000);
        for (int i = 0; i < lines.size(); i++) {
            assertThat(lines.get(i)).isEqualTo(Integer.toString(i + 1));
        }
        node.remove("one");
    }

    private static List<String> lines(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
