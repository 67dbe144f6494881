package dev.jshim.bridge.migrate;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
}
