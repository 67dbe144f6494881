package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import dev.jshim.proto.v2.task2.DeleteRequest;
import dev.jshim.proto.v2.task2.ExecProcessRequest;
import dev.jshim.proto.v2.task2.StartRequest;
import dev.jshim.proto.v2.task2.WaitRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/**
 * One shim for 200 containers, and clients that delete none of their execs: the shim's memory is bounded, every call is
 * answered, and a daemon that is restarted finds all again.
 */
@LongRun
class HeapSoakTest extends OptionScenario {
    private static final int CONTAINERS = 200;
    private static final int EXECS = 2000;
    private static final int CLIENTS = 8;
    private static final int AT_ONCE = 15;
    private static final int SPEC = 100_000;

    /** In MiB; 60 of it are the JVM's and its cache's. */
    private static final int MOST_RSS = 200;

    @Test
    void execsThatNobodyDeletes() throws Exception {
        // So that no container has to wait for a limit of the machine's.
        start(Release.V2, "Grouping = \"node\"\n", Duration.ofSeconds(30));
        ProcessFacts shim = sleeper("c0");
        for (int i = 1; i < CONTAINERS; i++) {
            assertThat(sleeper("c" + i)).isEqualTo(shim);
        }
        ShimUse before = ShimUse.of(shim);

        atOnce(EXECS, i -> exec("c" + i % CONTAINERS, "e" + i));

        ShimUse after = ShimUse.of(shim);
        System.out.println("before " + before + ", after " + EXECS + " execs " + after);
        assertThat(after.rssMiB()).isLessThan(MOST_RSS);
        assertThat(shim.alive()).isTrue();
        node.kill9();
        node.start();
        assertThat(sleeper("last")).isEqualTo(shim);
        try (ShimClient client = ShimClient.of(node, "c0")) {
            assertThat(client.task()
                            .delete(DeleteRequest.newBuilder()
                                    .setId("c0")
                                    .setExecId("e0")
                                    .build())
                            .getExitStatus())
                    .isEqualTo(3);
        }
        atOnce(CONTAINERS, i -> {
            node.remove("c" + i);
            return i;
        });
        node.remove("last");
    }

    private interface Work {
        Object run(int i) throws Exception;
    }

    private static void atOnce(int count, Work work) throws Exception {
        try (var threads = Executors.newFixedThreadPool(CLIENTS * AT_ONCE)) {
            List<Callable<Object>> all = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                int number = i;
                all.add(() -> work.run(number));
            }
            for (Future<Object> done : threads.invokeAll(all)) {
                done.get();
            }
        }
    }

    private Object exec(String id, String execId) {
        String spec =
                "{\"cwd\":\"/\",\"args\":[\"/bin/sh\",\"-c\",\"exit 3\"],\"user\":{\"uid\":0,\"gid\":0},\"env\":[\"X="
                        + "x".repeat(SPEC) + "\"]}";
        try (ShimClient client = ShimClient.of(node, id)) {
            var _ = client.patient()
                    .exec(ExecProcessRequest.newBuilder()
                            .setId(id)
                            .setExecId(execId)
                            .setSpec(Any.newBuilder()
                                    .setTypeUrl("types.containerd.io/opencontainers/runtime-spec/1/Process")
                                    .setValue(ByteString.copyFromUtf8(spec)))
                            .build());
            var _ = client.patient()
                    .start(StartRequest.newBuilder().setId(id).setExecId(execId).build());
            int status = client.patient()
                    .wait(WaitRequest.newBuilder().setId(id).setExecId(execId).build())
                    .getExitStatus();
            assertThat(status).isEqualTo(3);
            return status;
        }
    }
}
