package dev.jshim.bridge.journal;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.jshim.bridge.journal.JournalEntry.Step;
import dev.jshim.task.TaskId;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;

/** A journal is what was written, or is refused; only a last line without its end is passed over. */
class JournalFuzzTest {
    /** Bytes of an input that say what the damage is: its kind, where, how much, and a byte. */
    private static final int DAMAGE = 6;

    @TempDir
    Path folder;

    @FuzzTest
    void anything(byte[] input) throws IOException {
        var file = Files.write(folder.resolve("journal"), input);
        try {
            var entries = Journal.read(file);
            assertThat(wholeLines(input)).isIn(new byte[0], written(entries));
        } catch (IOException refused) {
            assertThat(refused).hasMessageContaining("damaged").hasMessageContaining("--rebuild-journal");
        }
    }

    /** Whatever names and paths an entry holds, it comes back. */
    @FuzzTest
    void entries(byte[] input) throws IOException {
        var entries = entriesOf(input);
        var file = Files.write(folder.resolve("journal"), written(entries));
        assertThat(Journal.read(file)).isEqualTo(entries);
    }

    /** One damage anywhere. */
    @FuzzTest
    void damage(byte[] input) throws IOException {
        var how = ByteBuffer.wrap(Arrays.copyOf(input, DAMAGE));
        var entries = entriesOf(Arrays.copyOfRange(input, Math.min(DAMAGE, input.length), input.length));
        var whole = written(entries);
        var damaged = damaged(whole, how);
        var file = Files.write(folder.resolve("journal"), damaged);

        List<JournalEntry> read;
        try {
            read = Journal.read(file);
        } catch (IOException refused) {
            assertThat(damaged).isNotEqualTo(whole);
            return;
        }
        // It passed, so no line of what was written is missing but at the end.
        var left = wholeLines(damaged);
        assertThat(left).isEqualTo(Arrays.copyOf(whole, left.length));
        assertThat(read).isEqualTo(entries.subList(0, read.size()));
    }

    /** A byte is another one, a part is there twice, a part is missing, or the rest is. */
    private static byte[] damaged(byte[] bytes, ByteBuffer how) {
        var kind = how.get() & 3;
        var at = Short.toUnsignedInt(how.getShort()) % bytes.length;
        var end = at + Short.toUnsignedInt(how.getShort()) % (bytes.length - at + 1);
        var out = new ByteArrayOutputStream();
        out.write(bytes, 0, kind == 1 ? end : at);
        if (kind == 0) {
            out.write(how.get());
        }
        var rest = kind == 0 ? at + 1 : kind == 1 ? at : kind == 2 ? end : bytes.length;
        out.write(bytes, rest, bytes.length - rest);
        return out.toByteArray();
    }

    private static byte[] written(List<JournalEntry> entries) throws IOException {
        var line = JournalEntry.header();
        var text = new StringBuilder(line).append('\n');
        for (var entry : entries) {
            line = entry.line(JournalEntry.sumOf(line));
            text.append(line).append('\n');
        }
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] wholeLines(byte[] bytes) {
        var end = bytes.length;
        while (end > 0 && bytes[end - 1] != '\n') {
            end--;
        }
        return Arrays.copyOf(bytes, end);
    }

    /** Entries of all kinds, with texts from the input. */
    private static List<JournalEntry> entriesOf(byte[] input) {
        var words = new String(input, StandardCharsets.UTF_8).split("\0", -1);
        List<JournalEntry> entries = new ArrayList<>();
        for (var i = 0; i < words.length; i++) {
            var word = words[i];
            entries.add(
                    switch (i % 8) {
                        case 0 -> JournalEntry.of(Step.BEGAN, word, "boot");
                        case 1 ->
                            JournalEntry.of(
                                    Step.MAKE_DIRECTORY,
                                    Path.of("/" + word).normalize().toString());
                        case 2 -> JournalEntry.of(Step.ADOPT, new TaskId("ns", "c" + i), word);
                        case 3 -> JournalEntry.of(Step.ADOPTED, new TaskId("ns", "c" + i));
                        case 4 -> JournalEntry.of(Step.ABANDONED, new TaskId("ns", "c" + i), word);
                        case 5 -> JournalEntry.of(Step.OLD_DAEMON, word, word, "");
                        case 6 -> JournalEntry.of(Step.DROP, new TaskId("ns", "c" + i));
                        default -> JournalEntry.of(Step.ROLL_BACK);
                    });
        }
        return entries;
    }
}
