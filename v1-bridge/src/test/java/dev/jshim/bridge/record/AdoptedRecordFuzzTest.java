package dev.jshim.bridge.record;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.jshim.linux.ProcessId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** The file jshim.v1: what is written is read again, by a shell too, and anything else is refused. */
class AdoptedRecordFuzzTest {
    @TempDir
    Path folder;

    @FuzzTest
    void file(byte[] input) throws IOException {
        Files.write(folder.resolve(AdoptedRecord.FILE), input);
        AdoptedRecord record;
        try {
            record = AdoptedRecord.read(folder);
        } catch (IOException refused) {
            assertThat(refused).hasMessageContaining(AdoptedRecord.FILE);
            return;
        }
        assertThat(AdoptedRecord.parse(record.text())).isEqualTo(record);
        assertThat(record.init().pid()).isPositive();
    }

    /** A record that can be made is one that can be read again, whatever its texts. */
    @FuzzTest
    void texts(byte[] input) {
        var words = (new String(input, StandardCharsets.UTF_8) + "\0\0\0\0").split("\0", -1);
        AdoptedRecord record;
        try {
            record = new AdoptedRecord(
                    "ns",
                    "c",
                    Path.of("/" + words[0], "ns", "c"),
                    Path.of("/" + words[1], "ns", "c"),
                    new ProcessId(1, 2),
                    new ProcessId(3, 4),
                    words[2],
                    words[3],
                    Path.of("/run"));
        } catch (IllegalArgumentException refused) {
            return;
        }
        assertThat(record.text().split("\n", -1)).hasSize(12);
        assertThat(AdoptedRecord.parse(record.text())).isEqualTo(record);
    }
}
