package dev.jshim.bridge.migrate;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import org.junit.jupiter.api.io.TempDir;

/** Files of containerd's that a migration changes: it understands them, or leaves them as they are. */
class OldFilesFuzzTest {
    @TempDir
    Path folder;

    @FuzzTest
    void criStatus(byte[] input) throws IOException {
        var status = CriStatus.of(folder, "c");
        Files.createDirectories(status.file().getParent());
        Files.write(status.file(), input);
        try {
            status.isExited();
            status.repair(folder.resolve("backup"));
        } catch (IOException refused) {
            assertThat(Files.readAllBytes(status.file())).isEqualTo(input);
            return;
        }
        assertThat(status.isExited()).isFalse();
    }

    /** What cannot be edited is refused in a line; what is edited says what it must, and nothing is left to edit. */
    @FuzzTest
    void config(byte[] input) {
        var text = new String(input, StandardCharsets.UTF_8);
        OldConfig config;
        try {
            config = OldConfig.of(text);
        } catch (IllegalArgumentException refused) {
            assertThat(refused.getMessage()).isNotBlank().doesNotContain("\n");
            return;
        }
        assertThat(config.before()).isEqualTo(text);
        assertThat(TomlScanner.scan(text).stream().map(TomlStatement::text).collect(Collectors.joining()))
                .isEqualTo(text);
        assertThat(config.diff().isEmpty()).isEqualTo(!config.isChanged());
        assertThat(OldConfig.of(config.after()).isChanged()).isFalse();
    }
}
