package dev.jshim.bridge.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jshim.bridge.journal.JournalEntry.Step;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JournalTest {
    private static final List<JournalEntry> ENTRIES = List.of(
            JournalEntry.of(Step.BEGAN, "apply", "5f2c"),
            JournalEntry.of(Step.MAKE_DIRECTORY, "/a b"),
            JournalEntry.of(Step.ADOPT, new TaskId("ns", "c"), "line one\nline \"two\"\n"),
            JournalEntry.of(Step.ADOPTED, new TaskId("ns", "c")),
            JournalEntry.of(Step.ABANDONED, new TaskId("ns", "d"), "why"),
            JournalEntry.of(Step.DROP, new TaskId("ns", "c")),
            JournalEntry.of(Step.ROLL_BACK));

    @TempDir
    Path folder;

    private Path file() {
        return folder.resolve("journal");
    }

    private void write() throws Exception {
        try (var journal = Journal.open(file())) {
            for (var entry : ENTRIES) {
                journal.add(entry);
            }
        }
    }

    @Test
    void isReadAsItWasWritten() throws Exception {
        write();
        assertThat(Journal.read(file())).isEqualTo(ENTRIES);
    }

    /** Of version 3, as all that read it must have it: journals outlive the jshim that has begun them. */
    @Test
    void theFormOfTheLinesIsTheSameForEver() throws Exception {
        try (var journal = Journal.open(file())) {
            journal.add(JournalEntry.of(Step.BEGAN, "apply", "5f2c"));
            journal.add(JournalEntry.of(Step.MAKE_DIRECTORY, "/a b"));
            journal.add(JournalEntry.of(Step.ADOPT, new TaskId("ns", "c"), "line one\nline \"two\" <\u00e9\u2028>\n"));
            journal.add(JournalEntry.of(Step.ADOPTED, new TaskId("ns", "c")));
            journal.add(JournalEntry.of(Step.ABANDONED, new TaskId("ns", "d"), "why"));
            journal.add(JournalEntry.of(Step.OLD_DAEMON, "/etc/c.toml", "runc", ""));
            journal.add(JournalEntry.of(Step.DROP, new TaskId("ns", "c")));
            journal.add(JournalEntry.of(Step.ROLL_BACK));
        }
        assertThat(file()).hasContent("""
                {"jshim-journal":"3","sum":"9d4d2a59"}
                {"step":"began","command":"apply","boot":"5f2c","sum":"38327d44"}
                {"step":"make-directory","path":"/a b","sum":"74639b44"}
                {"step":"adopt","namespace":"ns","id":"c","record":"line one\\nline \\"two\\" <\u00e9\\u2028>\\n","sum":"fcc301bf"}
                {"step":"adopted","namespace":"ns","id":"c","sum":"35296840"}
                {"step":"abandoned","namespace":"ns","id":"d","reason":"why","sum":"9afbc52c"}
                {"step":"old-daemon","file":"/etc/c.toml","runtime":"runc","runtime-root":"","sum":"70937e7c"}
                {"step":"drop","namespace":"ns","id":"c","sum":"2d993c4d"}
                {"step":"roll-back","sum":"80b42baa"}
                """);
    }

    /** A shim runs the runtimes that it names, as root. */
    @Test
    void whatOthersMayWriteIsNotBelieved() throws Exception {
        write();
        assertThat(Files.getPosixFilePermissions(file())).isEqualTo(PosixFilePermissions.fromString("rw-------"));
        Files.setPosixFilePermissions(file(), PosixFilePermissions.fromString("rw-rw-rw-"));
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
        assertThat(Journal.read(file())).as("nobody else gets there").isEqualTo(ENTRIES);

        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
        assertThatThrownBy(() -> Journal.read(file()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("others may write it");
        assertThatThrownBy(() -> Journal.open(file())).isInstanceOf(IOException.class);
        assertThat(Journal.readable(file())).isEmpty();
        assertThat(Journal.isDamaged(file())).isTrue();
    }

    @Test
    void missingJournalIsEmpty() throws Exception {
        assertThat(Journal.read(file())).isEmpty();
    }

    @Test
    void lastLineWithoutItsEndIsDroppedAndWrittenOver() throws Exception {
        write();
        Files.writeString(file(), "{\"step\":\"ado", StandardOpenOption.APPEND);
        assertThat(Journal.read(file())).isEqualTo(ENTRIES);
        try (var journal = Journal.open(file())) {
            journal.add(JournalEntry.of(Step.ADOPTED, new TaskId("ns", "e")));
        }
        assertThat(Journal.read(file()))
                .hasSize(ENTRIES.size() + 1)
                .endsWith(JournalEntry.of(Step.ADOPTED, new TaskId("ns", "e")));
    }

    @Test
    void tornAtEachByteIsNeverDamage() throws Exception {
        write();
        var bytes = Files.readAllBytes(file());
        for (var length = 0; length < bytes.length; length++) {
            Files.write(file(), Arrays.copyOf(bytes, length));
            var read = Journal.read(file());
            assertThat(read).isEqualTo(ENTRIES.subList(0, read.size()));
            Journal.open(file()).close();
        }
    }

    @Test
    void damageInTheMiddleIsRefusedAndNamed() throws Exception {
        write();
        var lines = Files.readAllLines(file());
        lines.set(2, lines.get(2).substring(5));
        Files.write(file(), lines);
        assertThatThrownBy(() -> Journal.open(file()))
                .hasMessageContaining(file().toString())
                .hasMessageContaining("line 3");
    }

    @Test
    void eachChangedByteIsFound() throws Exception {
        write();
        var bytes = Files.readAllBytes(file());
        for (var i = 0; i < bytes.length; i++) {
            var damaged = bytes.clone();
            damaged[i] = (byte) (damaged[i] == 'x' ? 'y' : 'x');
            Files.write(file(), damaged);
            if (i == bytes.length - 1) {
                // Without its end the last line was never acted on.
                assertThat(Journal.read(file())).isEqualTo(ENTRIES.subList(0, ENTRIES.size() - 1));
            } else {
                assertThatThrownBy(() -> Journal.read(file())).as("byte %d", i).isInstanceOf(IOException.class);
            }
        }
    }

    @Test
    void missingDoubleAndExchangedLinesAreFound() throws Exception {
        write();
        var lines = Files.readAllLines(file());
        for (var i = 0; i < lines.size() - 1; i++) {
            List<String> missing = new ArrayList<>(lines);
            missing.remove(i);
            List<String> twice = new ArrayList<>(lines);
            twice.add(i, lines.get(i));
            List<String> exchanged = new ArrayList<>(lines);
            Collections.swap(exchanged, i, i + 1);
            for (var damaged : List.of(missing, twice, exchanged)) {
                Files.write(file(), damaged);
                assertThatThrownBy(() -> Journal.read(file())).as("line %d", i).hasMessageContaining("damaged");
            }
        }
    }

    /** A journal that cannot be looked at is not one that is not there. */
    @Test
    void whatIsNoFileIsRefused() throws Exception {
        Files.createDirectory(file());
        assertThatThrownBy(() -> Journal.read(file())).hasMessageContaining("not a regular file");
        Files.delete(file());
        Files.createSymbolicLink(file(), Path.of("nowhere"));
        assertThatThrownBy(() -> Journal.open(file())).hasMessageContaining("link to nowhere");
        assertThat(Journal.isDamaged(file())).isTrue();
        assertThat(Journal.replace(file(), List.of())).isSymbolicLink();
        assertThat(Journal.read(file())).isEmpty();
        assertThat(file()).isRegularFile();
    }

    @Test
    void textThatCouldNotBeReadAgainIsNotWritten() throws Exception {
        try (var journal = Journal.open(file())) {
            assertThatThrownBy(() ->
                            journal.add(JournalEntry.of(Step.ABANDONED, new TaskId("ns", "c"), "half a \ud800 sign")))
                    .isInstanceOf(IOException.class);
            journal.add(JournalEntry.of(Step.ROLL_BACK));
        }
        assertThat(Journal.read(file())).containsExactly(JournalEntry.of(Step.ROLL_BACK));
    }

    @Test
    void damagedOneIsPutAsideAndKept() throws Exception {
        assertThat(Journal.isDamaged(file())).as("there is none").isFalse();
        write();
        assertThat(Journal.isDamaged(file())).isFalse();
        for (var name : List.of("journal.damaged", "journal.damaged.1")) {
            Files.writeString(file(), "what\n");
            assertThat(Journal.isDamaged(file())).isTrue();
            assertThat(Journal.replace(file(), List.of(JournalEntry.of(Step.ROLL_BACK))))
                    .isEqualTo(folder.resolve(name))
                    .hasContent("what");
            assertThat(Journal.read(file())).containsExactly(JournalEntry.of(Step.ROLL_BACK));
        }
    }

    /** As a full disk does. */
    @Test
    void whereNoNewOneCanBeWrittenTheDamagedOneStays() throws Exception {
        Files.writeString(file(), "what\n");
        var unwritable = JournalEntry.of(Step.ABANDONED, new TaskId("ns", "c"), "half a \ud800 sign");
        assertThatThrownBy(() -> Journal.replace(file(), List.of(JournalEntry.of(Step.ROLL_BACK), unwritable)))
                .isInstanceOf(IOException.class);
        assertThat(folder).isDirectoryNotContaining(path -> !path.equals(file()));
        assertThat(file()).hasContent("what");
    }

    @Test
    void journalOfAnotherVersionIsRefused() throws Exception {
        Files.writeString(file(), "{\"jshim-journal\":\"2\",\"sum\":\"1\"}\n");
        assertThatThrownBy(() -> Journal.open(file()))
                .hasMessageContaining("version 2")
                .hasMessageContaining("--rebuild-journal");
    }

    @Test
    void whatIsNoJournalIsRefused() throws Exception {
        Files.writeString(file(), "{\"a\":\"b\"}\n");
        assertThatThrownBy(() -> Journal.open(file())).hasMessageContaining("line 1");
    }
}
