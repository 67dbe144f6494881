package dev.jshim.shim;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** What {@code start} is given, and what it finds. */
class StartFuzzTest {
    @TempDir
    Path folder;

    @FuzzTest
    void stdin(byte[] input) throws Flags.UsageException {
        var flags = Flags.parse("-namespace", "ns", "-id", "c", "start");
        try {
            var start = StartInput.of(input, flags, "/run/containerd/containerd.sock.ttrpc");
            assertThat(start.options()).isNotNull();
        } catch (IOException refused) {
            assertThat(refused.getMessage()).doesNotContain("\n");
        }
    }

    @FuzzTest
    void commandLine(byte[] input) {
        try {
            var flags = Flags.parse(new String(input, StandardCharsets.UTF_8).split("\0", -1));
            assertThat(flags.command()).doesNotStartWith("-");
        } catch (Flags.UsageException refused) {
            assertThat(refused).hasMessageMatching("(?s).+");
        }
    }

    /** What is written is what is read again. */
    @FuzzTest
    void groupRecord(byte[] input) throws IOException {
        Files.write(folder.resolve(GroupRecord.FILE), input);
        GroupRecord read;
        try {
            read = GroupRecord.read(folder);
        } catch (IOException refused) {
            return;
        }
        read.write(folder);
        assertThat(GroupRecord.read(folder)).isEqualTo(read);
    }
}
