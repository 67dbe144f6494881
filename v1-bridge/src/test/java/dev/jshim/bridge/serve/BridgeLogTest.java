package dev.jshim.bridge.serve;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import dev.jshim.task.ShimLog;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BridgeLogTest {
    private static final int MAX = 10_000;

    @TempDir
    Path folder;

    @AfterEach
    void silence() throws Exception {
        Fd none = FileCalls.open(Path.of("/dev/null"), OpenFlags.O_WRONLY | OpenFlags.O_CLOEXEC, 0);
        ShimLog.open(none, false);
    }

    @Test
    void neverFillsTheStateDirectoryAndLosesNoLine() throws Exception {
        var file = folder.resolve("bridge.log");
        var log = new BridgeLog(file, MAX);
        log.open();
        for (var line = 0; line < 2000; line++) {
            ShimLog.warn("something to complain of", "line", line);
            if (line % 20 == 19) {
                var last = Files.readString(file) + readIfThere(folder.resolve("bridge.log.1"));
                assertThat(last).contains("line=\"" + line + "\"").contains("line=\"" + (line - 19) + "\"");
                log.look();
            }
        }
        assertThat(Files.size(file)).isLessThan(2 * MAX);
        assertThat(Files.size(folder.resolve("bridge.log.1"))).isBetween((long) MAX, 2L * MAX);
        try (var all = Files.list(folder)) {
            assertThat(all).hasSize(2);
        }
    }

    @Test
    void aLargeOneOfBeforeIsPutAside() throws Exception {
        var file = folder.resolve("bridge.log");
        Files.writeString(file, "x".repeat(MAX + 1));
        new BridgeLog(file, MAX).open();
        ShimLog.info("first");
        assertThat(file).content().contains("first").doesNotContain("xx");
        new BridgeLog(file, MAX).open();
        ShimLog.info("second");
        assertThat(file).content().contains("first", "second");
    }

    /** The keeper has it open for good, as the JVM has for what it says at its end. */
    @Test
    void whoHasItOpenGoesOnInIt() throws Exception {
        var file = folder.resolve("bridge.log");
        try (var keeper = Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
            keeper.write("x".repeat(MAX + 1).getBytes(StandardCharsets.UTF_8));
            new BridgeLog(file, MAX).open();
            keeper.write("still here\n".getBytes(StandardCharsets.UTF_8));
            ShimLog.info("and here");
        }
        assertThat(file).content().startsWith("still here\n").contains("and here");
    }

    private static String readIfThere(Path file) throws Exception {
        return Files.exists(file) ? Files.readString(file) : "";
    }
}
