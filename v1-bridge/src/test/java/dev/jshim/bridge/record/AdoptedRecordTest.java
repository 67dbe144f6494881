package dev.jshim.bridge.record;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jshim.linux.ProcessId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AdoptedRecordTest {
    private static final AdoptedRecord RECORD = new AdoptedRecord(
            "ns",
            "c",
            Path.of("/run/v1/ns/c"),
            Path.of("/var/v1/ns/c"),
            new ProcessId(10, 100),
            new ProcessId(11, 110),
            "unix:///run/containerd/s/abc",
            "/usr/bin/run c",
            Path.of("/run/containerd/runc/ns"));

    @TempDir
    Path bundle;

    @Test
    void fileHasLinesThatAShellReads() {
        assertThat(RECORD.text()).isEqualTo("""
                namespace ns
                id c
                v1-bundle /run/v1/ns/c
                v1-work /var/v1/ns/c
                shim-pid 10
                shim-start 100
                init-pid 11
                init-start 110
                socket unix:///run/containerd/s/abc
                runtime /usr/bin/run c
                runtime-root /run/containerd/runc/ns
                """);
    }

    @Test
    void isReadAsItWasWritten() throws Exception {
        Files.writeString(bundle.resolve(AdoptedRecord.FILE), RECORD.text());
        assertThat(AdoptedRecord.read(bundle)).isEqualTo(RECORD);
    }

    @ParameterizedTest
    @ValueSource(strings = {"id c", "init-pid 11", "socket unix:///run/containerd/s/abc"})
    void missingLineIsDamage(String line) throws Exception {
        Files.writeString(bundle.resolve(AdoptedRecord.FILE), RECORD.text().replace(line + "\n", ""));
        assertThatThrownBy(() -> AdoptedRecord.read(bundle))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("damaged")
                .hasMessageContaining(AdoptedRecord.FILE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"id ../c", "init-pid many", "shim-start -"})
    void nonsenseIsDamage(String line) throws Exception {
        var key = line.substring(0, line.indexOf(' ') + 1);
        Files.writeString(bundle.resolve(AdoptedRecord.FILE), RECORD.text().replaceAll("(?m)^" + key + ".*$", line));
        assertThatThrownBy(() -> AdoptedRecord.read(bundle)).hasMessageContaining("damaged");
    }
}
