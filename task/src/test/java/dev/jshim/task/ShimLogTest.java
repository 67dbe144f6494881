package dev.jshim.task;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.Errno;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 20, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ShimLogTest {
    @TempDir
    Path bundle;

    @AfterEach
    void close() {
        ShimLog.open(bundle.resolve("nowhere"), false);
    }

    private Fd reader() throws ErrnoException {
        return FileCalls.open(bundle.resolve("log"), OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK, 0);
    }

    private static String read(Fd reader) throws ErrnoException {
        var text = new StringBuilder();
        var buffer = new byte[65536];
        try {
            for (var n = reader.read(buffer, 0, buffer.length); n > 0; n = reader.read(buffer, 0, buffer.length)) {
                text.append(new String(buffer, 0, n, UTF_8));
            }
        } catch (ErrnoException e) {
            assertThat(e.errno()).isEqualTo(Errno.EAGAIN);
        }
        return text.toString();
    }

    @Test
    void writesAsLogrusDoes() {
        assertThat(ShimLog.line("info", "a \"b\" \\ c\nd\te\u009bf", "id", "x y", "pid", 7, "none", null, "odd"))
                .matches("time=\"\\d{4}-.*Z\" level=info msg=\"a \\\\\"b\\\\\" \\\\\\\\ c\\\\nd e f\""
                        + " id=\"x y\" pid=\"7\" none=\"null\"\n");
    }

    @Test
    void cutsWhatCouldBeWrittenInPart() {
        assertThat(ShimLog.bytes("short\n")).isEqualTo("short\n".getBytes(UTF_8));
        var cut = ShimLog.bytes("msg=\"" + "x".repeat(5000) + "\"\n");
        assertThat(cut).hasSize(4096);
        assertThat(new String(cut, UTF_8)).endsWith("x...\"\n");
    }

    @Test
    void goesToTheFifoAndDebugOnlyWhereAsked() throws Exception {
        FileCalls.mkfifo(bundle.resolve("log"), 0600);
        try (var reader = reader()) {
            ShimLog.open(bundle, false);
            ShimLog.debug("unseen");
            ShimLog.warn("seen", "id", "box");
            assertThat(read(reader))
                    .contains("level=warning msg=\"seen\" id=\"box\"")
                    .doesNotContain("unseen");
            ShimLog.open(bundle, true);
            ShimLog.debug("now");
            assertThat(read(reader)).contains("level=debug msg=\"now\"");
        }
    }

    @Test
    void neitherWaitsNorEndsWhereNobodyReads() throws Exception {
        FileCalls.mkfifo(bundle.resolve("log"), 0600);
        ShimLog.open(bundle, false);
        for (var i = 0; i < 3000; i++) {
            ShimLog.info("a line that nobody reads, for a pipe that is full after some hundred of them");
        }
        // A containerd that comes back finds the oldest lines, whole, and all that come from then on.
        try (var reader = reader()) {
            var old = read(reader);
            assertThat(old.lines()).hasSizeGreaterThan(100).allMatch(line -> line.endsWith("of them\""));
            ShimLog.info("after");
            assertThat(read(reader)).contains("msg=\"after\"");
        }
        ShimLog.info("between two readers");
        try (var reader = reader()) {
            assertThat(read(reader)).contains("between two readers");
        }
    }

    @Test
    void aMissingFifoIsNoFault() {
        ShimLog.open(bundle, true);
        ShimLog.error("to nobody");
    }
}
