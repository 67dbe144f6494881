package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A container that ran, was written down by CRIU, and runs on as another one. */
@ParameterizedClass(name = "{0}")
@MethodSource("dev.jshim.it.Setup#restoring")
class RestoreTest extends ShimScenario {
    /** {@code ctr container restore} cannot be told another place. */
    private static final Path FIFOS = Path.of("/run/containerd/fifo");

    private static final String COUNT = "i=0; while :; do i=$((i+1)); echo $i; echo $i >/count; sleep 0.1; done";

    /** The same, until a line is typed. */
    private static final String COUNT_OR_READ = "i=0; while :; do i=$((i+1)); echo $i; echo $i >/count;"
            + " if read -t 1 x; then echo \"got $x at $i\"; " + Turn.HEARD + "; exit 7; fi; done";

    RestoreTest(Setup setup) {
        super(setup);
    }

    @Override
    void prepare() {
        Criu.prefer(node);
        node.setVariable("TMPDIR", node.dir().toString()); // The daemon leaves its copy of a checkpoint there.
    }

    @AfterEach
    void removeFifos() throws IOException {
        for (Path stream : fifos()) {
            Files.delete(stream);
            Files.deleteIfExists(stream.getParent());
        }
    }

    @Test
    void runsOnWithOtherFifos() throws Exception {
        runOnWithOtherFifos();
    }

    private void runOnWithOtherFifos() throws Exception {
        Criu.demand();
        run("-d", COUNT).ok();
        long before = checkpoint();
        EventLog events = EventLog.open(node);

        node.ctr("container", "restore", "--live", "--rw", restored(), "copy").ok();

        assertThat(Tasks.of(node).isRunning(restored())).isTrue();
        try (BufferedReader out = Files.newBufferedReader(fifo("stdout"))) {
            long first = Long.parseLong(out.readLine());
            assertThat(first).isGreaterThan(before);
            assertThat(out.readLine()).isEqualTo(Long.toString(first + 1));
            AtomicInteger asked = new AtomicInteger();
            Wait.until(
                    "it counts on in its file",
                    () -> node.exec(restored(), "e" + asked.incrementAndGet(), "cat", "/count")
                            .ok()
                            .out()
                            .matches("[0-9]+"));
            node.ctr("task", "kill", "-s", "KILL", restored()).ok();
            assertThat(events.exit(restored(), restored()).number("exit_status"))
                    .isEqualTo(137);
            Wait.until("the end of its output", () -> ended(out));
        }
        node.ctr("task", "rm", restored());
        assertThat(events.topics(restored())).startsWith("/tasks/create", "/tasks/start");
        if (setup.ours()) {
            // The Go shim of 2.1.9 may end before it has sent its last event.
            Wait.until("its last event", () -> events.topics(restored()).contains("/tasks/delete"));
            assertThat(events.topics(restored())).endsWith("/tasks/exit", "/tasks/delete");
        }
        node.ctr("container", "rm", restored()).ok();
    }

    @ParameterizedTest
    @ValueSource(strings = {"task-call-restore", "task-called-restore", "task-ended-restore"})
    void runsOnThoughTheJvmOfItsShimDies(String point) throws Exception {
        assumeTrue(setup.ours(), "whose JVM dies");
        Path died = node.dir().resolve("died");
        node.stop();
        node.setVariable("JSHIM_JAVA_OPTS", "-Djshim.fault=" + point + ":1:halt:" + died);
        node.start();
        runOnWithOtherFifos();
        assertThat(died).exists();
    }

    @Test
    void runsOnWithAnotherTerminal() throws Exception {
        Criu.demand();
        onTerminal(List.of(), runArgs("-dt", COUNT_OR_READ)).ok();
        long before = checkpoint();

        List<Turn> talk = List.of(Turn.first("word"), Turn.afterwards("got word at"));
        Outcome end = onTerminal(talk, List.of("container", "restore", "--live", "--rw", restored(), "copy"));

        if (setup.release() == Release.V1_6) {
            // Its ctr does not ask for the terminal.
            assertThat(end.expect(1).out()).contains("cannot allocate tty if runc will detach without");
        } else {
            var said = Pattern.compile("got word at ([0-9]+)")
                    .matcher(end.expect(7).out());
            assertThat(said.find()).as(end.out()).isTrue();
            assertThat(Long.parseLong(said.group(1))).isGreaterThanOrEqualTo(before);
        }
        node.ctr("task", "rm", restored());
        node.ctr("container", "rm", restored()).ok();
    }

    private Outcome run(String flags, String script) throws IOException {
        return node.ctr(runArgs(flags, script).toArray(String[]::new));
    }

    private List<String> runArgs(String flags, String script) throws IOException {
        Image.load(node, "overlayfs");
        List<String> args = new ArrayList<>(List.of("run"));
        flags.substring(1).chars().forEach(flag -> args.add("-" + (char) flag));
        args.addAll(List.of("--runtime", runtime, "--fifo-dir", node.fifos(), "--snapshotter", "overlayfs"));
        args.addAll(List.of(Image.NAME, "one", "sh", "-c", script));
        return args;
    }

    private Outcome onTerminal(List<Turn> talk, List<String> args) {
        return node.ctrOnTerminal(talk, args.toArray(String[]::new));
    }

    /** Takes one of the first container, which ends then; how far it had counted before. */
    private long checkpoint() {
        AtomicInteger asked = new AtomicInteger();
        String counted = Wait.forValue("it counts", () -> {
            String now = node.exec("one", "e" + asked.incrementAndGet(), "cat", "/count")
                    .out();
            return now.matches("[3-9]|[0-9]{2,}") ? now : null;
        });
        node.ctr("container", "checkpoint", "--task", "--image", "--rw", "one", "copy")
                .ok();
        assertThat(Tasks.of(node).isRunning("one")).isTrue();
        node.remove("one");
        return Long.parseLong(counted);
    }

    /** An id that no other test has, by which its FIFOs are found. */
    private String restored() {
        return node.namespace() + "-restored";
    }

    private Path fifo(String stream) throws IOException {
        return fifos().stream()
                .filter(path -> path.toString().endsWith(stream))
                .findFirst()
                .orElseThrow();
    }

    private List<Path> fifos() throws IOException {
        if (Files.notExists(FIFOS)) {
            return List.of();
        }
        try (var found = Files.walk(FIFOS, 2)) {
            return found.filter(path -> path.getFileName().toString().startsWith(restored() + "-"))
                    .toList();
        }
    }

    private static boolean ended(BufferedReader out) {
        try {
            return out.readLine() == null;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
