package dev.jshim.shim.oci;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import dev.jshim.proto.v2.runc.Options;
import dev.jshim.proto.v2.task2.ExecProcessRequest;
import dev.jshim.shim.FakeContainer;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What clients ask for and leave lying about, in a shim with a heap of 64 MiB. */
class HeapTest extends WithFakeRuntime {
    private static final int SPEC = 150_000;
    private static final int HEAP = 64 << 20;

    /** Execs whose specs together are more than the heap, of which some have ended: nobody deletes them. */
    @Test
    void execsThatNobodyDeletesTakeNoMoreThanTheirShare() throws Exception {
        var box = running("many", LASTING);
        for (var i = 0; i < 8; i++) {
            var _ = shim.task().exec(large(box, "e" + i));
            box.start("e" + i);
            assertThat(box.await("e" + i)).isEqualTo(3);
        }

        var kept = 8;
        while (keeps(large(box, "e" + kept))) {
            kept++;
        }

        assertThat((long) kept * SPEC).isGreaterThan(HEAP);
        assertThat(specs(box)).as("of those that were not started").hasSize(kept - 8);
        assertThat(box.state().getPid()).isPositive();
        box.delete("e0");
        box.delete("e8");
        assertThat(keeps(large(box, "a"))).isTrue();
        assertThat(keeps(large(box, "b"))).isTrue();
        assertThat(keeps(large(box, "c"))).isFalse();
        assertThat(keeps(box.execRequest("a", "exit 0").build()))
                .as("its id is taken")
                .isFalse();
        box.start("b");
        assertThat(box.await("b")).isEqualTo(3);
        end(box);
        assertThat(specs(box)).isEmpty();

        var other = running("other", LASTING);
        assertThat(keeps(large(other, "e"))).as("what went with its container").isTrue();
        end(other);
    }

    private static boolean keeps(ExecProcessRequest request) throws Exception {
        try {
            var _ = shim.task().exec(request);
            return true;
        } catch (StatusRuntimeException e) {
            assertThat(e.getStatus().getCode()).isIn(Code.RESOURCE_EXHAUSTED, Code.ALREADY_EXISTS);
            return false;
        }
    }

    private static ExecProcessRequest large(FakeContainer box, String id) {
        var script = Base64.getEncoder().encodeToString("exit 3".getBytes(StandardCharsets.UTF_8));
        var spec = "{\"script\":\"" + script + "\",\"env\":\"" + "x".repeat(SPEC) + "\"}";
        return box.execRequest(id, "")
                .setSpec(Any.newBuilder().setValue(ByteString.copyFromUtf8(spec)))
                .build();
    }

    private static List<String> specs(FakeContainer box) throws Exception {
        try (var files = Files.list(box.bundle())) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith("-process.json"))
                    .toList();
        }
    }

    @Test
    void whatIsKeptOfARequestIsShort() throws Exception {
        var box = running("short", LASTING);
        var name = "/tmp/" + "x".repeat(5000);

        assertFails(
                Code.RESOURCE_EXHAUSTED,
                "the name of a file or stream is longer",
                () -> shim.task()
                        .exec(box.execRequest("e", "exit 0").setStdout(name).build()));
        assertFails(
                Code.RESOURCE_EXHAUSTED,
                "the name of a file or stream is longer",
                () -> shim.task()
                        .create(box.request().setId("long").setStdin(name).build()));
        var options = Options.newBuilder().setCriuWorkPath("/x".repeat(10_000)).build();
        var tooLong = container("long", LASTING).request().setOptions(Any.pack(options));
        assertFails(
                Code.RESOURCE_EXHAUSTED, "options are longer", () -> shim.task().create(tooLong.build()));
        end(box);
    }

    /** Too deep for a parser that calls itself; the shim says what is wrong, and goes on. */
    @Test
    void aDeepSpecIsRefused() throws Exception {
        var box = running("deep", LASTING);
        var deep = "{\"a\":" + "[".repeat(1_000_000) + "]".repeat(1_000_000) + "}";

        assertFails(
                Code.INVALID_ARGUMENT,
                "Nesting limit",
                () -> shim.task()
                        .exec(box.execRequest("e", "")
                                .setSpec(Any.newBuilder().setValue(ByteString.copyFromUtf8(deep)))
                                .build()));
        assertThat(specs(box)).isEmpty();
        end(box);
    }
}
