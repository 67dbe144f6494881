package dev.jshim.bridge.migrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CriStatusTest {
    /** Written by hand, in the form of containerd 2.1 for a container whose task it did not find. */
    private static final String EXITED = """
            {"Version":"v1","Pid":0,"CreatedAt":1764000000000000001,"StartedAt":1764000000000000002,\
            "FinishedAt":1764000000000000003,"ExitCode":255,"Reason":"Unknown","Message":"","Resources":null,\
            "Restore":false}""";

    @TempDir
    Path root;

    private CriStatus status() throws IOException {
        var status = CriStatus.of(root, "c1");
        Files.createDirectories(status.file().getParent());
        return status;
    }

    @Test
    void exitedOneIsMadeToRunAndTheOldOneKept() throws Exception {
        var status = status();
        Files.writeString(status.file(), EXITED);
        assertThat(status.isExited()).isTrue();
        var backup = root.resolve("jshim/cri-status/c1");

        status.repair(backup);

        assertThat(status.isExited()).isFalse();
        assertThat(status.file())
                .hasContent(EXITED.replace("1764000000000000003", "0")
                        .replace("255", "0")
                        .replace("Unknown", ""));
        assertThat(backup).hasContent(EXITED);
        // Again, as after an interruption: the backup stays what it is.
        status.repair(backup);
        assertThat(backup).hasContent(EXITED);
    }

    @Test
    void noneIsNotExited() throws Exception {
        assertThat(CriStatus.of(root, "none").isExited()).isFalse();
    }

    @Test
    void whatIsNotUnderstoodIsLeftAlone() throws Exception {
        var status = status();
        for (var text :
                new String[] {"", "{", "[]", "{\"Version\":\"v2\"}", "{\"Version\":{}}", "{\"FinishedAt\":1}"}) {
            Files.writeString(status.file(), text);
            assertThatThrownBy(status::isExited).as(text).isInstanceOf(IOException.class);
            assertThatThrownBy(() -> status.repair(root.resolve("backup"))).isInstanceOf(IOException.class);
            assertThat(status.file()).hasContent(text);
        }
    }
}
