package dev.jshim.bridge.migrate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.bridge.LegacyRecord;
import dev.jshim.node.ProcessRef;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever stands in a file, its reader says so and throws nothing else. The same inputs each time. */
class ParserFuzzTest {
    private static final int ROUNDS = 800;
    private static final String SIGNS = "{}[]\",:\\\0 \n-9";
    private static final String RECORD = new LegacyRecord(
                    "ns",
                    "c",
                    Path.of("/s/ns/c"),
                    Path.of("/r/ns/c"),
                    new ProcessRef(12, 34),
                    new ProcessRef(56, 78),
                    "unix:///run/x.sock",
                    "runc",
                    Path.of("/run/runc/ns"))
            .text();

    @TempDir
    Path folder;

    /** A reader of text. */
    private interface Reader {
        void read(String text) throws IOException;
    }

    /** Some bytes changed, doubled, put in or cut off; never the text itself again. */
    private static String damaged(String text, Random random) {
        var bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        var out = new StringBuilder();
        var at = random.nextInt(bytes.length);
        for (var i = 0; i < bytes.length; i++) {
            var kind = i == at || random.nextInt(40) == 0 ? random.nextInt(5) : 5;
            switch (kind) {
                case 0 -> out.append((char) random.nextInt(256));
                case 1 -> out.append((char) bytes[i]).append(SIGNS.charAt(random.nextInt(SIGNS.length())));
                case 2 -> out.append((char) bytes[i]).append((char) bytes[i]);
                case 3 -> i++;
                case 4 -> i += random.nextInt(bytes.length);
                default -> out.append((char) bytes[i]);
            }
        }
        return out.toString();
    }

    private static int refused(String text, Reader reader) {
        var random = new Random(25);
        var refused = 0;
        for (var round = 0; round < ROUNDS; round++) {
            var input = damaged(text, random);
            try {
                reader.read(input);
            } catch (IOException | IllegalArgumentException e) {
                refused++;
            } catch (RuntimeException | StackOverflowError e) {
                throw new AssertionError("round " + round + ": " + input, e);
            }
        }
        return refused;
    }

    @Test
    void journal() throws Exception {
        var lines = new StringBuilder(JournalLine.header() + "\n");
        for (var entry : List.of(
                new JournalEntry.Began("apply", "b"),
                new JournalEntry.MakeDirectory(Path.of("/a")),
                new JournalEntry.Adopt("ns", "c", RECORD))) {
            lines.append(JournalLine.of(entry)).append('\n');
        }
        var file = folder.resolve("journal");
        var refused = refused(lines.toString(), text -> {
            Files.writeString(file, text);
            var _ = Journal.read(file);
        });
        // The rest has lost whole lines at its end, as a crash leaves it.
        assertThat(refused).isGreaterThan(ROUNDS / 2);
    }

    @Test
    void record() {
        assertThat(refused(RECORD, text -> {
                    var _ = LegacyRecord.parse(text);
                }))
                .isPositive();
    }

    @Test
    void criStatus() throws Exception {
        var status = CriStatus.of(folder, "c");
        Files.createDirectories(status.file().getParent());
        assertThat(refused("{\"Version\":\"v1\",\"Pid\":1,\"FinishedAt\":3,\"ExitCode\":255}", text -> {
                    Files.writeString(status.file(), text);
                    var _ = status.isExited();
                }))
                .isPositive();
    }

    @Test
    void config() {
        var text =
                "[plugins.linux]\nruntime = \"runc\"\n[plugins.x.y]\nruntime_type = \"io.containerd.runtime.v1.linux\"\n";
        assertThat(refused(text, input -> {
                    var _ = OldConfig.of(input).diff();
                }))
                .isZero();
    }
}
