package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code ./dev} says, and how it finds out what this machine's CRIU can do. */
class DevTest {
    private static final Path DEV = Path.of(System.getProperty("jshim.repository", ".."), "dev.d");

    @TempDir
    Path folder;

    @Test
    void aCriuThatHangsIsFoundOutInTime() throws Exception {
        Outcome fault = fault("sleep 1000 & wait");

        assertThat(fault.expect(1).out()).isEqualTo("criu 9.9: dump did not end within 2 s");
        assertThat(ProcessFacts.withCommand(folder.toString())).isEmpty();
    }

    @Test
    void aCriuThatKillsWhatItDumpsIsFoundOut() throws Exception {
        // As 4.1.1 does on AMD's Zen 5.
        Outcome fault = fault("""
                kill -9 $7
                echo '(00.01) Error (criu/util.c:1): rlimit: no' >"$3/$5"
                echo '(00.02) Error (compel/src/lib/infect.c:1): Unable to detach: No such process' >>"$3/$5"
                exit 1
                """);

        assertThat(fault.expect(1).out()).isEqualTo("criu 9.9: dump failed with 1: Unable to detach: No such process");
    }

    @Test
    void aCriuThatRestoresNothingIsFoundOut() throws Exception {
        assertThat(fault("case $1 in dump) kill -9 $7 ;; esac").expect(1).out())
                .isEqualTo("criu: restore left no process");
    }

    /** A CRIU that does that, as far as {@code dev.d/criu-fault.sh} asks for it, and what is found. */
    private Outcome fault(String script) throws Exception {
        Path fake = folder.resolve("criu");
        Files.writeString(fake, "#!/bin/sh\n[ $1 != --version ] || exec echo Version: 9.9\n" + script + "\n");
        assertThat(fake.toFile().setExecutable(true)).isTrue();
        return Run.of(List.of(DEV.resolve("criu-fault.sh").toString(), fake.toString(), "2"))
                .run();
    }

    @Test
    void aStepThatTakesItsTimeSaysSo() {
        Outcome step = shell("silence=1; working 'to wait' sleep 3");

        assertThat(step.ok().err().replaceAll("dev [0-9]+:[0-9]+ ", "")).startsWith("to wait\nstill to wait\n");
    }

    @Test
    void aStepThatFailsIsNotHidden() {
        assertThat(shell("working 'to fail' sh -c 'exit 3'").code()).isEqualTo(3);
    }

    @Test
    void whatMavenDoesIsShownInShortAndKeptInFull() throws Exception {
        Path log = folder.resolve("log");
        String said = """
                [INFO] Building linux 0.1.0                     [3/12]
                [INFO] Running dev.jshim.linux.FdTest
                words of a test
                [INFO] Tests run: 4, Failures: 0, Errors: 0, Skipped: 1, Time elapsed: 0.05 s -- in dev.jshim.linux.FdTest
                [ERROR] Tests run: 2, Failures: 1, Errors: 0, Skipped: 0, Time elapsed: 2 s <<< FAILURE! -- in dev.jshim.linux.WaitTest
                [ERROR] WaitTest.waits
                \tat WaitTest.java
                [INFO] Building node 0.1.0                     [4/12]
                """;
        Files.writeString(folder.resolve("said"), said);

        Outcome shown = shell("{ cat said; sleep 3; echo '[INFO] end'; } | { silence=1; maven_progress " + log + "; }");

        assertThat(shown.ok().out()).isEqualTo("[ERROR] WaitTest.waits\n\tat WaitTest.java");
        assertThat(shown.err().replaceAll("dev [0-9]+:[0-9]+ ", "")).startsWith("""
                        linux (3/12)
                          FdTest: 4 tests, 1 skipped, 0.05 s
                          WaitTest: 2 tests, 1 failures, 2 s
                        node (4/12)
                        still node (4/12)
                        """);
        assertThat(Files.readString(log)).startsWith(said).contains("[INFO] end\n");
    }

    private Outcome shell(String script) {
        String all = "set -euo pipefail; . " + DEV.toAbsolutePath().resolve("progress.sh") + "; cd " + folder + "; ";
        return Run.of(List.of("bash", "-c", all + script)).run();
    }
}
