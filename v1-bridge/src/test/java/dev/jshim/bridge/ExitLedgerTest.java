package dev.jshim.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.ProcessId;
import dev.jshim.proto.v2.events.TaskExit;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What one bridge notes is what the next one knows. */
class ExitLedgerTest {
    private static final LegacyRecord RECORD = new LegacyRecord(
            "ns",
            "c",
            Path.of("/v1/ns/c"),
            Path.of("/var/v1/ns/c"),
            new ProcessId(6, 1),
            new ProcessId(7, 1),
            "unix:///s",
            "runc",
            Path.of("/runc"));

    @TempDir
    Path folder;

    private static TaskExit exit(String id, int pid, int status) {
        return TaskExit.newBuilder()
                .setContainerId("c")
                .setId(id)
                .setPid(pid)
                .setExitStatus(status)
                .build();
    }

    private ExitLedger ledger() {
        return new ExitLedger(RECORD, new BundleNotes(folder.resolve("bundle")));
    }

    @Test
    void isKeptByProcessAndCode() throws Exception {
        Files.createDirectory(folder.resolve("bundle"));
        var ledger = ledger();
        ledger.started("e", 8);
        ledger.told(exit("e", 8, 3));
        ledger.told(exit("c", 7, -1));
        ledger.daemon("23 42 a line /c.sock");

        var next = ledger();
        assertThat(next.daemon()).isEqualTo("23 42 a line /c.sock");
        assertThat(next.isTold("e", 8)).isTrue();
        assertThat(next.isTold("e", 9)).isFalse();
        assertThat(next.execs()).isEqualTo(Map.of("e", 8));
        assertThat(next.isTold(exit("e", 8, 3))).isTrue();
        assertThat(next.isTold(exit("e", 9, 3))).as("an id used again").isFalse();
        assertThat(next.isTold(exit("e", 8, 255))).isFalse();
        assertThat(next.isTold(exit("c", 7, -1))).isTrue();
        assertThat(next.isTold(exit("c", 7, 0))).isFalse();
    }

    /** containerd empties it under another name, which whatever is made in it meanwhile makes fail. */
    @Test
    void makesNothingInABundleThatIsBeingTakenAway() throws Exception {
        var bundle = Files.createDirectory(folder.resolve("bundle"));
        var notes = new BundleNotes(bundle);
        var ledger = new ExitLedger(RECORD, notes);
        notes.end();
        ledger.told(exit("c", 7, 0));
        assertThat(bundle).isEmptyDirectory();
        assertThat(ledger.isTold(exit("c", 7, 0))).isTrue();
    }

    @Test
    void holdsNothingOfProcessesThatAreNoMore() throws Exception {
        Files.createDirectory(folder.resolve("bundle"));
        var ledger = ledger();
        for (var i = 1; i <= 1000; i++) {
            ledger.started("probe" + i, i);
            ledger.told(exit("probe" + i, i, 0));
            ledger.deleted("probe" + i, i);
            ledger.told(exit("probe" + i, i, 0)); // containerd may be the slower one
        }
        ledger.told(exit("c", 70, 0));
        assertThat(folder.resolve("bundle").resolve(ExitLedger.FILE)).isEmptyFile();
    }

    @Test
    void theEndOfOneIsNotThatOfAnotherByItsId() throws Exception {
        Files.createDirectory(folder.resolve("bundle"));
        var ledger = ledger();
        ledger.started("e", 8);
        ledger.started("e", 9);
        ledger.deleted("e", 8);
        assertThat(ledger.execs()).isEqualTo(Map.of("e", 9));
    }

    @Test
    void whatIsKnownBeforeTheBundleIsThereIsNotLost() throws Exception {
        var ledger = ledger();
        ledger.told(exit("c", 7, 0));
        assertThat(folder).isEmptyDirectory();
        ledger.started("e", 8);
        Files.createDirectory(folder.resolve("bundle"));
        ledger.bundleIsThere();
        assertThat(ledger().isTold(exit("c", 7, 0))).isTrue();
        assertThat(ledger().execs()).isEqualTo(Map.of("e", 8));
    }

    @Test
    void aDamagedFileCostsWhatItHeldAndNoMore() throws Exception {
        Files.createDirectory(folder.resolve("bundle"));
        Files.writeString(
                folder.resolve("bundle").resolve(ExitLedger.FILE),
                "told x 0 c\nexec\n\u0000\nexec 8 e\ntold 7 99999999999 c\ntold 7 0 c\n");
        assertThat(ledger().execs()).isEqualTo(Map.of("e", 8));
        assertThat(ledger().daemon()).as("as before there was such a line").isEmpty();
        assertThat(ledger().isTold(exit("c", 7, 0))).isTrue();
        Files.write(folder.resolve("bundle").resolve(ExitLedger.FILE), new byte[] {(byte) 0xff, (byte) 0xfe});
        assertThat(ledger().execs()).isEmpty();
    }
}
