package dev.jshim.shim.oci;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.ExitedChild;
import dev.jshim.linux.ProcessId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the keeper reports of its children; the test stands in for it. */
class ReaperNotesTest {
    @TempDir
    Path folder;

    private final List<Integer> reaped = new ArrayList<>();
    private final List<Integer> notedWhenReaped = new ArrayList<>();
    private Process process;
    private ProcessId id;

    @BeforeEach
    void startProcess() throws Exception {
        process = new ProcessBuilder("sleep", "100").start();
        id = ProcessId.of((int) process.pid());
    }

    @AfterEach
    void endProcess() {
        process.destroyForcibly();
    }

    private Reaper reaper() {
        return new Reaper(TaskNotes.in(folder).exits(), pid -> {
            reaped.add(pid);
            notedWhenReaped.add(notes().size());
        });
    }

    private List<String> notes() {
        try (var files = Files.list(folder.resolve("exits"))) {
            return files.map(file -> file.getFileName().toString()).toList();
        } catch (IOException e) {
            return List.of();
        }
    }

    private ExitedChild killed() {
        return new ExitedChild(id.pid(), true, 9);
    }

    @Test
    void anExitIsNotedBeforeItsProcessIsReaped() throws Exception {
        var reaper = reaper();
        var exit = reaper.adopt(id);
        assertThat(exit).isNotDone();
        reaper.ended(killed());
        assertThat(exit.get(10, TimeUnit.SECONDS)).isEqualTo(killed());
        assertThat(reaped).containsExactly(id.pid());
        assertThat(notedWhenReaped).containsExactly(1);
        reaper.forget(id);
        assertThat(notes()).isEmpty();
    }

    @Test
    void theNextProcessFindsIt() throws Exception {
        var reaper = reaper();
        var _ = reaper.adopt(id);
        reaper.ended(killed());
        var next = reaper();
        assertThat(next.adopt(id).getNow(null)).isEqualTo(killed());
        next.forget(id);
        assertThat(notes()).isEmpty();
    }

    @Test
    void anExitCodeIsKeptToo() throws Exception {
        var reaper = reaper();
        var _ = reaper.adopt(id);
        reaper.ended(new ExitedChild(id.pid(), false, 7));
        assertThat(reaper().adopt(id).getNow(null)).isEqualTo(new ExitedChild(id.pid(), false, 7));
    }

    @Test
    void whatNobodyAsksForIsReapedWithoutANote() {
        reaper().ended(killed());
        assertThat(reaped).containsExactly(id.pid());
        assertThat(notes()).isEmpty();
    }

    @Test
    void aWindowHoldsWhatIsAskedForLater() throws Exception {
        var reaper = reaper();
        try (var window = reaper.open()) {
            reaper.ended(killed());
            assertThat(window.claim(id.pid()).getNow(null)).isEqualTo(killed());
        }
        assertThat(notes()).as("until it is settled").hasSize(1);
        reaper.forget(id);
        assertThat(notes()).isEmpty();
    }

    @Test
    void whatAWindowHasSeenForNobodyIsForgotten() {
        var reaper = reaper();
        try (var _ = reaper.open()) {
            try (var _ = reaper.open()) {
                reaper.ended(killed());
            }
            assertThat(notes()).as("the first is open still").hasSize(1);
        }
        assertThat(notes()).isEmpty();
    }

    /** Reported, noted, and the process that was to have it reaped died. */
    @Test
    void anExitThatIsToldAgainIsTheSame() throws Exception {
        var reaper = reaper();
        var _ = reaper.adopt(id);
        reaper.ended(killed());
        var next = reaper();
        var exit = next.adopt(id);
        next.ended(killed());
        assertThat(exit.getNow(null)).isEqualTo(killed());
        assertThat(reaped).containsExactly(id.pid(), id.pid());
    }

    @Test
    void anotherProcessOfThatNumberIsNotTheOne() {
        var older = new ProcessId(id.pid(), id.startTicks() - 1);
        assertThat(reaper().adopt(older).getNow(null)).isEqualTo(new ExitedChild(id.pid(), false, 255));
    }

    @Test
    void aDamagedNoteIsPassedOver() throws Exception {
        var exits = Files.createDirectories(folder.resolve("exits"));
        Files.createFile(exits.resolve(id.pid() + "-" + id.startTicks()));
        Files.createFile(exits.resolve("no-number-at-all"));
        assertThat(reaper().adopt(id)).isNotDone();
    }
}
