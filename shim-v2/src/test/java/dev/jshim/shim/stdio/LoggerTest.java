package dev.jshim.shim.stdio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jshim.linux.ExitedChild;
import dev.jshim.linux.Spawn;
import dev.jshim.linux.Wait;
import dev.jshim.shim.Until;
import dev.jshim.task.ShimException;
import dev.jshim.task.Stdio;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Real programs as loggers, waited for by their pids, as it must be beside the runner's own children. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LoggerTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final PumpLoop LOOP = new PumpLoop();

    /** What reads both streams to their ends, by a shell's means. */
    private static final String KEEP = "exec 5>&-; cat <&4 >$0.err & cat <&3 >$0.out; wait; echo $CONTAINER_ID >$0.end";

    @TempDir
    Path folder;

    private final ChildLoggers loggers = new ChildLoggers();

    private ProcessIo open(String scheme, String script) {
        var name = scheme + ":///bin/sh?-c=" + URLEncoder.encode(script, StandardCharsets.UTF_8) + "&"
                + URLEncoder.encode(folder.resolve("log").toString(), StandardCharsets.UTF_8);
        return PipeIo.open(new Stdio("", name, name, false), settings());
    }

    private IoSettings settings() {
        return new IoSettings(LOOP, Path.of("/nowhere"), true, 0, 0, Duration.ZERO, loggers, KeptStreams.NONE);
    }

    @AfterEach
    void noLoggerIsLeft() throws Exception {
        for (var logger : loggers.started()) {
            Until.holds("logger has ended", () -> logger.ended().isDone());
        }
    }

    private static int run(ProcessIo io, String script) throws Exception {
        var pid = Spawn.command("/bin/sh", List.of("-c", script))
                .stdout(io.stdout())
                .stderr(io.stderr())
                .start();
        io.started();
        return pid;
    }

    private static int exitStatus(int pid) {
        var exit = new CompletableFuture<ExitedChild>();
        Thread.ofPlatform().daemon().start(() -> {
            try {
                exit.complete(Wait.pid(pid, true));
            } catch (dev.jshim.linux.ErrnoException e) {
                exit.completeExceptionally(e);
            }
        });
        return exit.orTimeout(PATIENCE.toSeconds(), java.util.concurrent.TimeUnit.SECONDS)
                .join()
                .exitStatus();
    }

    private Path log(String stream) {
        return folder.resolve("log." + stream);
    }

    @ParameterizedTest
    @CsvSource({"binary, ''", "binary, 'printf x >&5; '", "binary-v2, 'printf x >&5; '"})
    void getsBothStreamsToTheirEnd(String scheme, String ready) throws Exception {
        var io = open(scheme, ready + KEEP);
        var pid = run(io, "echo out; echo err >&2; exit 3");
        assertThat(exitStatus(pid)).isEqualTo(3);
        io.exited();
        assertThat(io.awaitDrained(PATIENCE)).as("it ends by itself").isTrue();
        io.close();
        assertThat(log("out")).hasContent("out");
        assertThat(log("err")).hasContent("err");
        assertThat(log("end")).hasContent("box");
    }

    @Test
    void isToldToEndWhenTheStreamsAreClosed() throws Exception {
        var io = open("binary", "trap 'cat <&3 >$0.out; exit 0' TERM; exec 5>&-; while :; do sleep 0.05; done");
        assertThat(exitStatus(run(io, "echo kept"))).isZero();
        io.exited();
        assertThat(io.awaitDrained(Duration.ofMillis(50))).isFalse();
        io.close();
        assertThat(loggers.started().getFirst().ended()).isDone();
        assertThat(log("out")).as("it had time for its last words").hasContent("kept");
    }

    @Test
    void whatIsLeftInTheBackgroundOutlivesIt() throws Exception {
        var go = folder.resolve("go");
        var alive = folder.resolve("alive");
        var io = open("binary", KEEP);
        var script = "(until [ -e " + go + " ]; do sleep 0.05; done; head -c 200000 /dev/zero && echo yes >" + alive
                + ") & echo x";
        assertThat(exitStatus(run(io, script))).isZero();
        io.exited();
        io.close();
        assertThat(loggers.started().getFirst().ended()).isDone();
        Files.createFile(go);
        Until.holds("it writes on, and is not killed by SIGPIPE", () -> Files.exists(alive));
    }

    @Test
    void aDeadOneDoesNotStopTheProcess() throws Exception {
        var io = open("binary", "exec 5>&-; read line <&3; echo $line >$0.out; exit 9");
        var dead = folder.resolve("dead");
        // More than a pipe holds.
        var pid = run(
                io,
                "echo first; until [ -e " + dead + " ]; do sleep 0.02; done;"
                        + " i=0; while [ $i -lt 50 ]; do seq 1000 || exit 8; i=$((i+1)); done; exit 4");
        assertThat(loggers.started().getFirst().ended().join().exitStatus()).isEqualTo(9);
        Files.createFile(dead);
        assertThat(exitStatus(pid)).as("neither SIGPIPE nor a failed write").isEqualTo(4);
        assertThat(log("out")).hasContent("first");
        io.exited();
        assertThat(io.awaitDrained(PATIENCE)).isTrue();
        io.close();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "binary|exit 7|ended with status 7 before it was ready",
                "binary|kill -9 $$|ended with status 137 before it was ready",
                "binary-v2|exit 7|ended with status 7 before it was ready",
                "binary-v2|exec 5>&-; exec sleep 100|did not say that it is ready",
                "binary-v2|exit 0|did not say that it is ready"
            })
    void isRefusedWhenItIsNotReady(String scheme, String script, String message) {
        assertThatThrownBy(() -> open(scheme, script))
                .isInstanceOf(ShimException.class)
                .hasMessageContaining("logger /bin/sh " + message);
    }

    @Test
    void isGivenUpWhenItIsNeverReady() {
        var sleeper = new Sink.Binary(Path.of("/bin/sleep"), List.of("100"), false);
        assertThatThrownBy(() -> Logger.start(settings(), sleeper, Duration.ofMillis(200)))
                .isInstanceOfSatisfying(
                        ShimException.class, e -> assertThat(e.kind()).isEqualTo(ShimException.Kind.DEADLINE_EXCEEDED))
                .hasMessageContaining("logger /bin/sleep was not ready within 200 ms");
    }

    @Test
    void isNamedWhenItIsMissing() {
        assertThatThrownBy(() -> PipeIo.open(new Stdio("", "binary:///no/logger", "", false), settings()))
                .hasMessageContaining("logger /no/logger cannot be run: ENOENT");
        assertThatThrownBy(() -> PipeIo.open(new Stdio("", "", "binary:///bin/cat", false), settings()))
                .hasMessageContaining("name it for stdout");
        assertThatThrownBy(() -> PipeIo.open(new Stdio("binary:///bin/cat", "", "", false), settings()))
                .hasMessageContaining("stdin cannot come from the logger");
    }
}
