package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import dev.jshim.proto.v2.task2.DeleteRequest;
import dev.jshim.proto.v2.task2.ExecProcessRequest;
import dev.jshim.proto.v2.task2.StartRequest;
import dev.jshim.proto.v2.task2.StateRequest;
import dev.jshim.proto.v2.task2.WaitRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * How long a client waits for a shim whose JVM is replaced, or killed: one asks for a state, another one runs an exec,
 * each without a pause. All are answered; how long the longest of them took is printed.
 */
@LongRun
@ParameterizedClass(name = "{0}")
@MethodSource("newest")
class ShimPauseTest extends ShimScenario {
    private static final int SAMPLES = Integer.getInteger("jshim.pause.samples", 20);
    /** Longer than a JVM has to serve for its death not to be one of a row. */
    private static final Duration LASTS = Duration.ofMillis(1100);

    private static final Duration ANSWERED = Duration.ofMillis(500);

    private static final String SPEC = "{\"args\":[\"/bin/true\"],\"cwd\":\"/\",\"user\":{\"uid\":0,\"gid\":0}}";

    private final ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
    private volatile boolean over;

    ShimPauseTest(Setup setup) {
        super(setup);
    }

    static Stream<Setup> newest() {
        return Stream.of(new Setup(Release.V2, Product.RUNTIME, Engine.RUNC_NEWEST, true));
    }

    private boolean serves() {
        return ShimProcess.status(ShimProcess.folder(node, "c0"), "state").equals("serving");
    }

    private Thread caller(AtomicLong longest, Runnable call) {
        return Thread.ofPlatform().start(() -> {
            try {
                while (!over) {
                    long began = System.nanoTime();
                    call.run();
                    longest.accumulateAndGet(System.nanoTime() - began, Math::max);
                }
            } catch (RuntimeException e) {
                failures.add(e);
            }
        });
    }

    private static void exec(ShimClient client, String id) {
        var _ = client.task()
                .exec(ExecProcessRequest.newBuilder()
                        .setId("c0")
                        .setExecId(id)
                        .setSpec(Any.newBuilder().setValue(ByteString.copyFromUtf8(SPEC)))
                        .build());
        var _ = client.task()
                .start(StartRequest.newBuilder().setId("c0").setExecId(id).build());
        var _ = client.task()
                .wait(WaitRequest.newBuilder().setId("c0").setExecId(id).build());
        var _ = client.task()
                .delete(DeleteRequest.newBuilder().setId("c0").setExecId(id).build());
    }

    @ParameterizedTest(name = "{0} containers")
    @ValueSource(ints = {1, 20, 100})
    void theLongestAnswer(int containers) throws Exception {
        for (int i = 0; i < containers; i++) {
            sleeper("c" + i);
        }
        ProcessFacts shim = ShimProcess.of(node, "c0");
        AtomicLong longestState = new AtomicLong();
        AtomicLong longestExec = new AtomicLong();
        AtomicLong serial = new AtomicLong();
        List<String> results = new ArrayList<>();
        try (ShimClient first = ShimClient.of(node, "c0");
                ShimClient second = ShimClient.of(node, "c0")) {
            Thread states = caller(longestState, () -> {
                var _ = first.task().state(StateRequest.newBuilder().setId("c0").build());
                Wait.pause(Duration.ofMillis(2));
            });
            Thread execs = caller(longestExec, () -> exec(second, "e" + serial.incrementAndGet()));
            for (String how : List.of("nothing", "replaced", "killed")) {
                List<Long> state = new ArrayList<>();
                List<Long> exec = new ArrayList<>();
                for (int i = 0; i < SAMPLES && failures.isEmpty(); i++) {
                    Wait.until("a JVM serves", this::serves);
                    Wait.pause(LASTS);
                    long jvm = ShimProcess.jvm(shim);
                    longestState.set(0);
                    longestExec.set(0);
                    switch (how) {
                        case "replaced" ->
                            Product.ctl(node, "shim", "replace", "c0").ok();
                        case "killed" -> Signal.KILL.to(jvm);
                        default -> Wait.pause(LASTS);
                    }
                    Wait.until(
                            "the next one serves",
                            () -> how.equals("nothing") || (ShimProcess.jvm(shim) != jvm && serves()));
                    // Until both calls were answered that had begun before.
                    Wait.pause(ANSWERED);
                    state.add(longestState.get() / 1_000_000);
                    exec.add(longestExec.get() / 1_000_000);
                }
                results.add("%s: state %s, exec %s".formatted(how, summary(state), summary(exec)));
            }
            over = true;
            states.join();
            execs.join();
        }
        System.out.printf("pauses in ms (median, longest) with %d containers: %s%n", containers, results);
        assertThat(failures).isEmpty();
        assertThat(node.logText()).doesNotContain("shim disconnected");
        for (int i = 0; i < containers; i++) {
            node.remove("c" + i);
        }
    }

    private static String summary(List<Long> millis) {
        List<Long> sorted = new ArrayList<>(millis);
        Collections.sort(sorted);
        return sorted.get(sorted.size() / 2) + " " + sorted.getLast();
    }
}
