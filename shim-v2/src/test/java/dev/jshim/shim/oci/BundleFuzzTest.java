package dev.jshim.shim.oci;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.jshim.proto.v2.task2.DeleteResponse;
import dev.jshim.task.Exit;
import dev.jshim.task.Timestamps;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import org.junit.jupiter.api.io.TempDir;

/** What containerd, a runtime, or the shim itself has left in a bundle. */
class BundleFuzzTest {
    @TempDir
    Path folder;

    @FuzzTest
    void config(byte[] input) throws IOException {
        Files.write(folder.resolve("config.json"), input);
        Spec spec;
        try {
            spec = Spec.read(folder);
        } catch (IOException refused) {
            assertThat(refused).hasMessageContaining("config.json");
            return;
        }
        assertThat(spec.annotations()).isNotNull();
    }

    @FuzzTest
    void pid(byte[] input) throws IOException {
        var file = Files.write(folder.resolve("init.pid"), input);
        int pid;
        try {
            pid = BundleFiles.readPid(file);
        } catch (IOException refused) {
            return;
        }
        assertThat(pid).isPositive();
        assertThat(new String(input, StandardCharsets.UTF_8).strip()).isEqualTo(Integer.toString(pid));
    }

    /** The log and the state of a runtime, which may be any program. */
    @FuzzTest
    void runtime(byte[] input) throws IOException {
        var log = Files.write(folder.resolve("log.json"), input);
        assertThat(RuncLog.lastError(log)).isNotNull();
        assertThat(RuncState.bundle(new String(input, StandardCharsets.UTF_8))).isNotNull();
    }

    /** The answer of a later {@code delete} is what happened. */
    @FuzzTest
    void exit(byte[] input) throws IOException {
        var numbers = ByteBuffer.wrap(Arrays.copyOf(input, 16));
        var exit =
                new Exit(numbers.getInt(), numbers.getInt(), Instant.ofEpochSecond(numbers.getInt(), numbers.getInt()));
        BundleFiles.writeExit(folder, exit);
        var answer = DeleteResponse.parseFrom(Files.readAllBytes(folder.resolve("exit.pb")));
        assertThat(answer.getPid()).isEqualTo(exit.pid());
        assertThat(answer.getExitStatus()).isEqualTo(exit.status());
        assertThat(answer.getExitedAt()).isEqualTo(Timestamps.of(exit.at()));
        assertThat(Instant.ofEpochSecond(
                        answer.getExitedAt().getSeconds(), answer.getExitedAt().getNanos()))
                .isEqualTo(exit.at());
    }
}
