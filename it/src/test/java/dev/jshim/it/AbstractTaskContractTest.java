package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.Gson;
import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import dev.jshim.linux.ProcessId;
import dev.jshim.task.ExecRequest;
import dev.jshim.task.Exit;
import dev.jshim.task.ListedPid;
import dev.jshim.task.ProcessState;
import dev.jshim.task.ProcessStatus;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimException.Kind;
import dev.jshim.task.Stdio;
import dev.jshim.task.client.ShimTask;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestExecutionExceptionHandler;

/**
 * What a task does, whoever runs it and by whatever way it is asked: with real shims, each test with a container of its
 * own. Where shims differ the interface says so, and the subclass.
 */
@ExtendWith(AbstractTaskContractTest.Failure.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@SuppressWarnings("NullAway.Init") // Set before all tests.
abstract class AbstractTaskContractTest {
    static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int KILL = 9;
    private static final int TERM = 15;

    PrivateContainerd node;
    private boolean failed;

    /** The daemon whose shims are asked, and that is told of events. */
    abstract Release release();

    /** Called once the daemon runs. */
    void begin() {}

    /** Called while it runs, if no test has failed: ends what {@link #begin} has begun. */
    void end() {}

    /** Creates a container that is not started. */
    abstract ShimTask create(RawBundle bundle, Stdio stdio);

    /** Whether the shim counts anything. */
    boolean counts() {
        return true;
    }

    @BeforeAll
    void startDaemon() {
        node = PrivateContainerd.started(release());
        begin();
    }

    @AfterAll
    void endDaemon() {
        try (var ended = node) {
            if (!failed) {
                end();
                ended.finish();
            }
        }
    }

    /** What a test that failed has left is not waited for. */
    static final class Failure implements TestExecutionExceptionHandler {
        @Override
        public void handleTestExecutionException(ExtensionContext context, Throwable failure) throws Throwable {
            ((AbstractTaskContractTest) context.getRequiredTestInstance()).failed = true;
            throw failure;
        }
    }

    private ShimTask created(String id, String script) {
        return created(id, Stdio.NONE, script);
    }

    private ShimTask created(String id, Stdio stdio, String script) {
        var bundle =
                RawBundle.make(node.dir().resolve("b"), namespace(), id, stdio.terminal(), "/bin/sh", "-c", script);
        return node.attach(create(bundle, stdio));
    }

    /** containerd's namespace of the containers. */
    String namespace() {
        return node.namespace();
    }

    private ShimTask running(String id) {
        var task = created(id, "exec sleep 1000");
        task.start("", _ -> {});
        return task;
    }

    private static void remove(ShimTask task) {
        var exited = task.exited("");
        task.kill("", KILL, true);
        assertThat(exited).succeedsWithin(PATIENCE).extracting(Exit::status).isEqualTo(128 + KILL);
        assertThat(task.delete("").status()).isEqualTo(128 + KILL);
        task.close();
    }

    private static Any process(String script) {
        return Any.newBuilder()
                .setTypeUrl("types.containerd.io/opencontainers/runtime-spec/1/Process")
                .setValue(ByteString.copyFromUtf8("{\"cwd\":\"/\",\"env\":[\"PATH=/bin\"],\"args\":"
                        + new Gson().toJson(List.of("/bin/sh", "-c", script)) + "}"))
                .build();
    }

    private static void exec(ShimTask task, String execId, String script) {
        task.exec(new ExecRequest(execId, Stdio.NONE, process(script)));
    }

    private static int start(ShimTask task, String execId) {
        List<Integer> pids = new ArrayList<>();
        task.start(execId, pids::add);
        assertThat(pids).as("told once").hasSize(1);
        return pids.getFirst();
    }

    private static void assertFails(Kind kind, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        ShimException.class,
                        e -> assertThat(e.kind()).as(e.getMessage()).isEqualTo(kind));
    }

    /** At once, or by the future. */
    private static void assertExitFails(Kind kind, ShimTask task, String execId) {
        assertFails(kind, () -> task.await(execId, PATIENCE));
    }

    @Test
    void isCreatedStartsEndsAndIsDeleted() {
        var before = Instant.now().minusSeconds(1);
        var task = created("life", "trap 'exit 7' TERM; echo > /ready; while :; do sleep 0.01; done");
        var created = task.state("");
        assertThat(created)
                .extracting(ProcessState::id, ProcessState::status, ProcessState::exit)
                .containsExactly("life", ProcessStatus.CREATED, null);
        assertThat(created.pid()).isPositive().isEqualTo(task.pid());
        assertThat(task.id()).isEqualTo("life");
        assertThat(task.shimPid()).isPositive().isNotEqualTo(created.pid());

        assertThat(start(task, "")).isEqualTo(created.pid());
        assertThat(task.state(""))
                .extracting(ProcessState::status, ProcessState::pid)
                .containsExactly(ProcessStatus.RUNNING, created.pid());
        assertThat(task.pids()).contains(new ListedPid(created.pid(), ""));
        var exited = task.exited("");
        assertThat(exited).isNotDone();
        assertFails(Kind.DEADLINE_EXCEEDED, () -> task.await("", Duration.ofMillis(50)));

        Wait.until("it is ready", () -> Files.exists(task.bundle().resolve("rootfs/ready")));
        task.kill("", TERM, false);
        assertThat(exited).succeedsWithin(PATIENCE).extracting(Exit::status).isEqualTo(7);
        var stopped = task.state("");
        assertThat(stopped.status()).isEqualTo(ProcessStatus.STOPPED);
        assertThat(stopped.exit())
                .isNotNull()
                .extracting(Exit::pid, Exit::status)
                .containsExactly(created.pid(), 7);
        assertFails(Kind.NOT_FOUND, () -> task.kill("", TERM, false));

        var exit = task.delete("");
        assertThat(exit).isEqualTo(stopped.exit());
        assertThat(exit.at()).isBetween(before, Instant.now().plusSeconds(1));
        assertThat(ProcessId.find(created.pid())).isNull();
        assertFails(Kind.NOT_FOUND, () -> task.state(""));
    }

    @Test
    void anExecIsAddedStartsEndsAndIsDeleted() {
        var task = running("execs");
        exec(task, "e", "exit 3");
        assertThat(task.state("e"))
                .extracting(ProcessState::id, ProcessState::status, ProcessState::pid)
                .containsExactly("e", ProcessStatus.CREATED, 0);
        assertFails(Kind.ALREADY_EXISTS, () -> exec(task, "e", "exit 4"));
        var exited = task.exited("e");
        var pid = start(task, "e");
        assertThat(pid).isPositive();
        assertThat(exited).succeedsWithin(PATIENCE).extracting(Exit::status).isEqualTo(3);
        assertThat(task.state("e"))
                .extracting(ProcessState::status, ProcessState::pid)
                .containsExactly(ProcessStatus.STOPPED, pid);
        assertThat(task.delete("e")).extracting(Exit::pid, Exit::status).containsExactly(pid, 3);
        assertFails(Kind.NOT_FOUND, () -> task.state("e"));
        remove(task);
    }

    @Test
    void anExecThatRunsIsListedAndCanBeKilled() {
        var task = running("listed");
        exec(task, "e", "exec sleep 1000");
        var pid = start(task, "e");
        assertThat(task.pids()).contains(new ListedPid(pid, "e"), new ListedPid(task.pid(), ""));
        assertFails(Kind.UNKNOWN, () -> task.delete("e")); // It runs.
        task.kill("e", KILL, false);
        assertThat(task.await("e", PATIENCE).status()).isEqualTo(128 + KILL);
        assertThat(task.state("").status()).isEqualTo(ProcessStatus.RUNNING);
        assertThat(task.delete("e").status()).isEqualTo(128 + KILL);
        remove(task);
    }

    /** Also a container of the id is not taken for an exec of that. */
    @Test
    void whatIsNotThereIsNotFound() {
        var task = running("none");
        for (var execId : List.of("nobody", "none")) {
            assertFails(Kind.NOT_FOUND, () -> task.state(execId));
            assertFails(Kind.NOT_FOUND, () -> task.start(execId, _ -> {}));
            assertFails(Kind.NOT_FOUND, () -> task.delete(execId));
            assertFails(Kind.NOT_FOUND, () -> task.kill(execId, KILL, false));
            assertFails(Kind.NOT_FOUND, () -> task.resize(execId, 80, 25));
            assertExitFails(Kind.NOT_FOUND, task, execId);
        }
        assertThatThrownBy(() -> task.closeStdin("nobody")).isInstanceOf(ShimException.class);
        assertThat(task.state("").status()).isEqualTo(ProcessStatus.RUNNING);
        remove(task);
    }

    @Test
    void isPausedAndResumed() {
        var task = running("paused");
        task.pause();
        assertThat(task.state("").status()).isEqualTo(ProcessStatus.PAUSED);
        task.resume();
        assertThat(task.state("").status()).isEqualTo(ProcessStatus.RUNNING);
        remove(task);
    }

    /** In the way of containerd: a client's FIFOs, of which the shim holds the other end of stdin open until then. */
    @Test
    void readsAndWritesUntilItsInputIsClosed() throws Exception {
        var task = running("streams");
        var folder = Files.createDirectories(node.dir().resolve("fifo/streams"));
        var in = RawShim.fifo(folder.resolve("in"));
        var out = RawShim.fifo(folder.resolve("out"));
        var err = RawShim.openFifo(node, folder.resolve("err")); // A v1 shim cannot do without.
        var stdio = new Stdio(in.toString(), out.toString(), err.toString(), false);
        try (var reader = new RandomAccessFile(out.toFile(), "rw")) {
            task.exec(new ExecRequest("e", stdio, process("cat; exit 5")));
            var pid = start(task, "e");
            var state = task.state("e");
            assertThat(state.stdio()).isEqualTo(stdio);
            try (var writer = Files.newOutputStream(in, StandardOpenOption.WRITE)) {
                writer.write("heard\n".getBytes(StandardCharsets.UTF_8));
                assertThat(reader.readLine()).isEqualTo("heard");
                assertThat(ProcessId.find(pid)).as("the client has not closed").isNotNull();
                task.closeStdin("e");
            }
            assertThat(task.await("e", PATIENCE).status()).isEqualTo(5);
        }
        assertThat(task.delete("e").status()).isEqualTo(5);
        remove(task);
    }

    @Test
    void takesALimitAndCounts() throws IOException {
        var task = running("limits");
        task.update(ByteString.copyFromUtf8("{\"pids\":{\"limit\":50}}"), Map.of());
        assertThat(pidsMax(task.pid())).isEqualTo("50");
        if (counts()) {
            assertThat(task.stats().toString()).contains("limit: 50");
        } else {
            assertFails(Kind.UNIMPLEMENTED, task::stats);
        }
        remove(task);
    }

    /** Of its cgroup, in cgroup v1's hierarchy for pids or in the only one. */
    private static String pidsMax(int pid) throws IOException {
        for (var line : Files.readAllLines(Path.of("/proc/" + pid + "/cgroup"))) {
            var words = line.split(":", 3);
            if (words[1].equals("pids") || words[1].isEmpty()) {
                var file = Path.of("/sys/fs/cgroup/" + words[1] + words[2], "pids.max");
                if (Files.exists(file)) {
                    return Files.readString(file).strip();
                }
            }
        }
        throw new AssertionError("no limit of pids for " + pid);
    }

    @Test
    void aProcessThatCannotBeIsRefused() {
        var task = running("refused");
        var nothing = process("").toBuilder()
                .setValue(ByteString.copyFromUtf8("{\"cwd\":\"/\",\"args\":[\"/bin/nothing-of-that-name\"]}"))
                .build();
        task.exec(new ExecRequest("e", Stdio.NONE, nothing));
        List<Integer> started = new ArrayList<>();
        assertThatThrownBy(() -> task.start("e", started::add))
                .isInstanceOf(ShimException.class)
                .hasMessageContaining("nothing-of-that-name");
        assertThat(started).isEmpty();
        task.delete("e");
        assertThat(task.state("").status()).isEqualTo(ProcessStatus.RUNNING);
        remove(task);
    }
}
