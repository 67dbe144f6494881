package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.proto.v2.task2.TaskGrpc;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Ours and the Go shim of containerd 2 side by side, call by call, without a daemon between: every method in every
 * state, and what only a broken client would ask.
 */
class RawCallTest {
    private static final String V2 = "containerd.task.v2.Task";
    private static final String V3 = "containerd.task.v3.Task";

    private static final List<RawDifference> LISTED = List.of(
            RawDifference.of(
                    "input that cannot be read",
                    "(broken options|options without the right bytes): Create|.*, broken: Checkpoint|.* spec: Exec",
                    "UNKNOWN",
                    "INVALID_ARGUMENT|UNIMPLEMENTED"),
            RawDifference.of(
                    "Create with an id that is taken", "(created|running|exited): Create", "UNKNOWN", "ALREADY_EXISTS"),
            RawDifference.of(
                    "CloseIO of an exec that does not exist",
                    "exec (.*, unknown|deleted)(, again)?: CloseIO",
                    "UNKNOWN",
                    "NOT_FOUND"),
            RawDifference.of(
                    "ResizePty of an exec that has ended",
                    "(terminal )?exec (exited|ended with init): ResizePty",
                    "UNKNOWN",
                    "OK"),
            RawDifference.of(
                    "CloseIO that does not say stdin",
                    "input, but not stdin: Wait",
                    "OK exited_at .*",
                    "DEADLINE_EXCEEDED"),
            RawDifference.of("Pids of a container that has ended", "exited: Pids", "OK", "OK processes .*"),
            RawDifference.of(
                    "Exec with the container's id, or none", "(container's id|no id): Exec", "OK", "INVALID_ARGUMENT"),
            RawDifference.of(
                    "Wait for an exec that could not be started",
                    "exec failed: Wait",
                    "OK exited_at .*",
                    "OK exit_status: 255 exited_at .*"));

    private static final String FATAL = "Start of an exec that runs or failed; a terminal without stdout";
    private static final String UNSETTLED = "Delete of what was never started";

    private PrivateContainerd node;

    @BeforeEach
    void start() {
        node = PrivateContainerd.started(Release.V2);
    }

    @AfterEach
    void end() {
        node.close();
    }

    @Test
    void eachCallIsAnsweredAsByTheGoShim() throws Exception {
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var theirs = threads.submit(play(RawShim.reference(Release.V2), "g", V3));
            var ours = threads.submit(play(RawShim.ours(), "b", V2));
            var ours3 = threads.submit(play(RawShim.ours(), "c", V3));

            assertThat(theirs.get().methods())
                    .as("all of the API")
                    .hasSize(TaskGrpc.getServiceDescriptor().getMethods().size());
            assertThat(RawDifference.between(ours.get().answers(), ours3.get().answers()))
                    .as("version 3 as version 2")
                    .isEmpty();
            check(theirs.get(), ours.get());
        }
    }

    private static void check(RawTalk theirs, RawTalk ours) {
        Map<String, String> beyond = new HashMap<>(ours.answers());
        beyond.keySet().removeAll(theirs.answers().keySet());
        assertThat(beyond)
                .as("what the Go shim does not survive, or answers now so and now so")
                .isEqualTo(Map.of(
                        "exec failed, again: Start", "UNKNOWN",
                        "exec running: Start", "UNKNOWN",
                        "terminal without streams: Create", "OK pid: 1",
                        "terminal without streams: Delete", "OK pid: 1 exit_status: 137 exited_at { seconds: 1 }",
                        "never started: Delete", "OK pid: 1 exit_status: 137 exited_at { seconds: 1 }"));
        RawDifference.check("Call by call", LISTED, List.of(FATAL, UNSETTLED), theirs.answers(), ours.answers());
    }

    private Callable<RawTalk> play(Path program, String suffix, String service) {
        Path folder = node.dir().resolve("raw");
        RawBundle one = RawBundle.make(folder, node.namespace() + suffix, "one", false, "/bin/sleep", "1000");
        boolean robust = program.equals(RawShim.ours());
        return () -> {
            RawShim shim = RawShim.start(node, program, suffix, service, one);
            return new RawCalls(shim, folder, robust).play(one);
        };
    }
}
