package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** What goes through a container's standard streams. */
@ParameterizedClass(name = "{0}")
@MethodSource("dev.jshim.it.Setup#all")
class StdioTest extends ShimScenario {
    StdioTest(Setup setup) {
        super(setup);
    }

    @Test
    void fiftyMegabytesOfOutputArriveUnchanged() throws Exception {
        Noise.throughAContainer(node, runtime);
    }

    @Test
    void outputOfAnExecArrivesUnchanged() throws Exception {
        byte[] sent = Noise.megabytes(10);
        Path rootfs = node.rootfs();
        Files.write(rootfs.resolve("noise"), sent);
        node.ctr(node.runArgs(runtime, List.of("-d"), rootfs, "one", "/bin/sleep", "1000")
                        .toArray(String[]::new))
                .ok();

        Outcome exec = exec(new byte[0], sent.length, "cat /noise");

        Noise.assertSame(exec.output(), sent);
        node.remove("one");
    }

    @Test
    void inputOfARunEndsByCloseIo() {
        byte[] sent = "hello\nthere\n".getBytes(StandardCharsets.UTF_8);

        Outcome run = node.runWithInput(sent, runtime, "one", "/bin/cat").ok();

        assertThat(run.out()).isEqualTo("hello\nthere");
    }

    @Test
    void twoMegabytesThroughInputAndOutput() {
        byte[] sent = Noise.megabytes(2);
        sleeper("one");

        Outcome exec = exec(sent, sent.length, "cat");

        Noise.assertSame(exec.output(), sent);
        node.remove("one");
    }

    @Test
    void stdinOfALongRunningContainer() {
        Streams streams = Streams.start(node, runtime, "one", "/bin/cat");

        streams.write("ping");
        Wait.until("the answer", () -> streams.lines().contains("ping"));

        node.remove("one");
        Wait.until("end of stdout", streams::ended);
    }

    @Test
    void noStreamsAtAll() {
        node.ctr(node.runArgs(runtime, List.of("-d", "--null-io"), "one", "/bin/sh", "-c", "echo lost; exec sleep 1000")
                        .toArray(String[]::new))
                .ok();

        assertThat(Tasks.of(node).isRunning("one")).isTrue();
        node.remove("one");
    }

    @Test
    void outputGoesOnWhenTheClientHasGone() {
        Counter counter = Counter.start(node, runtime, "one");

        node.kill9();
        counter.awaitProgress();
        node.start();
        counter.awaitProgress();

        assertThat(counter.gapless()).isGreaterThan(5);
        node.remove("one");
        Wait.until("end of stdout", counter.streams()::ended);
    }

    /** One that ends when all of its output was heard. */
    private Outcome exec(byte[] stdin, int size, String script) {
        return node.execRun(stdin, "one", "e", "/bin/sh", "-c", script + UNTIL_HEARD)
                .whenSaid(size, () -> heard("one"))
                .run()
                .ok();
    }
}
