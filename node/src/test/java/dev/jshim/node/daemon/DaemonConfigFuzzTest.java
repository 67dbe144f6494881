package dev.jshim.node.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;

/** containerd's config.toml is read, or refused with one line that names the file. */
class DaemonConfigFuzzTest {
    @TempDir
    Path folder;

    @FuzzTest
    void config(byte[] input) throws IOException {
        var file = folder.resolve("config.toml");
        Files.write(file, input);
        try {
            var config = DaemonConfigReader.read(file);
            assertThat(config.files()).startsWith(file);
        } catch (IOException e) {
            // It may name a file that this one imports.
            assertThat(e.getMessage()).startsWith("/").doesNotContain("\n");
        }
    }

    @FuzzTest
    void dropped(byte[] input) throws IOException {
        var file = folder.resolve("config.toml");
        Files.write(file, input);
        try {
            assertThat(ConfigForecast.of(file, null, List.of()))
                    .allMatch(finding -> finding.where().startsWith("/"));
        } catch (IOException e) {
            assertThat(e.getMessage()).startsWith("/").doesNotContain("\n");
        }
    }
}
