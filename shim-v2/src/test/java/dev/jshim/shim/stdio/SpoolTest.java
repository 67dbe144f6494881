package dev.jshim.shim.stdio;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import dev.jshim.linux.Pipe;
import dev.jshim.linux.Splice;
import dev.jshim.shim.keeper.FdStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A death between any two of the steps from a pipe to a file. */
class SpoolTest {
    private static final int APPEND = OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_APPEND;

    @TempDir
    Path folder;

    private final Map<String, Fd> held = new HashMap<>();
    private final KeptStreams kept = new KeptStreams(
            new FdStore() {
                @Override
                public void keep(String name, Fd fd) {
                    try {
                        held.put(name, fd.duplicate());
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                }

                @Override
                public void drop(String name) {
                    Objects.requireNonNull(held.remove(name)).close();
                }
            },
            "");

    private Path log;
    private Fd file;
    private Pipe pipe;

    @BeforeEach
    void open() throws Exception {
        log = folder.resolve("log");
        file = FileCalls.open(log, APPEND, 0600);
        pipe = FileCalls.pipe();
        file.writeFully("before ".getBytes(UTF_8));
    }

    @AfterEach
    void close() {
        file.close();
        pipe.close();
        held.values().forEach(Fd::close);
    }

    private Spool taken(String text) throws Exception {
        var spool = Spool.open(kept, "stdout");
        pipe.writeEnd().writeFully(text.getBytes(UTF_8));
        assertThat(spool.take(pipe.readEnd())).isEqualTo(text.length());
        return spool;
    }

    /** What the next JVM does. */
    private void restore() throws Exception {
        var given = new HashMap<String, Fd>();
        for (var each : held.entrySet()) {
            given.put(each.getKey(), each.getValue().duplicate());
        }
        var left = kept.adopt(given);
        var before = Spool.restore(kept, "stdout", left, file);
        before.writeTo(file);
        assertThat(before.isEmpty()).isTrue();
        assertThat(left).isEmpty();
    }

    private Fd in() {
        return held.entrySet().stream()
                .filter(each -> each.getKey().startsWith("stdout-spool-in."))
                .map(Map.Entry::getValue)
                .findAny()
                .orElseThrow();
    }

    private void note(long position, long size) throws Exception {
        in().writeAt(0, ByteBuffer.allocate(16).putLong(position).putLong(size).array());
    }

    @Test
    void whatWasTakenIsWrittenByTheNextOne() throws Exception {
        taken("text");
        restore();
        assertThat(log).hasContent("before text");
    }

    /** As much of it as the write has done. */
    @ParameterizedTest
    @CsvSource({"''", "te", "text"})
    void whatWasWrittenIsNotWrittenAgain(String done) throws Exception {
        taken("text");
        note(4096, 7);
        file.writeFully(done.getBytes(UTF_8));
        restore();
        assertThat(log).hasContent("before text");
    }

    @Test
    void whatOnlyLooksAsIfItHadBeenWrittenIs() throws Exception {
        taken("text").writeTo(file);
        // The same again, which was just taken.
        pipe.writeEnd().writeFully("text".getBytes(UTF_8));
        assertThat(Splice.trySplice(pipe.readEnd(), in(), 4)).isEqualTo(4);
        restore();
        assertThat(log).hasContent("before texttext");
    }

    @Test
    void aFileThatIsMadeEmptyMeanwhileGetsAll() throws Exception {
        taken("text");
        note(4096, 7);
        file.writeFully("text".getBytes(UTF_8));
        Files.write(log, new byte[0]);
        restore();
        assertThat(log).hasContent("text");
    }

    @Test
    void aNoteOfBeforeSaysNothing() throws Exception {
        taken("text").writeTo(file);
        // The next one begins at the head again, takes the same, and dies.
        restore();
        pipe.writeEnd().writeFully("text".getBytes(UTF_8));
        assertThat(Splice.trySplice(pipe.readEnd(), in(), 4)).isEqualTo(4);
        restore();
        assertThat(log).hasContent("before texttext");
    }

    @Test
    void itsMemoryIsUsedAgain() throws Exception {
        var spool = Spool.open(kept, "stdout");
        var piece = new byte[50_000];
        for (var i = 0; i < 100; i++) {
            Arrays.fill(piece, (byte) i);
            pipe.writeEnd().writeFully(piece);
            while (spool.take(pipe.readEnd()) > 0) {
                spool.writeTo(file);
            }
        }
        assertThat(Files.size(log)).isEqualTo(7 + 5_000_000);
        var all = Files.readAllBytes(log);
        for (var i = 0; i < 100; i++) {
            Arrays.fill(piece, (byte) i);
            assertThat(Arrays.equals(all, 7 + i * 50_000, 7 + (i + 1) * 50_000, piece, 0, 50_000))
                    .isTrue();
        }
        var blocks = Long.parseLong(new ProcessBuilder("stat", "-L", "-c", "%b", "/proc/self/fd/0")
                .redirectInput(Path.of("/proc/self/fd/" + in().number()).toFile())
                .start()
                .inputReader()
                .readLine());
        assertThat(blocks * 512).isLessThan(300_000);
        spool.close();
        assertThat(held).isEmpty();
    }
}
