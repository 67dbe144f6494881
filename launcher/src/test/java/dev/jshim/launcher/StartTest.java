package dev.jshim.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.FileCalls;
import dev.jshim.linux.Pipe;
import dev.jshim.linux.Processes;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a command gets, and how a keeper begins and ends. */
@Timeout(180)
class StartTest {
    private static final int SIGHUP = 1;

    @TempDir
    Path folder;

    private static String line(int pid, String file, String start) throws Exception {
        return Files.readAllLines(Path.of("/proc/" + pid, file)).stream()
                .filter(line -> line.startsWith(start))
                .map(line -> line.substring(start.length()).trim())
                .findAny()
                .orElseThrow();
    }

    @Test
    void theCommandGetsItsDescriptorsAndNoOthers() throws Exception {
        try (Pipe answer = FileCalls.pipe();
                Pipe other = FileCalls.pipe();
                Keeper keeper = Keeper.in(folder)
                        .answer(answer.writeEnd())
                        .pair(other.writeEnd())
                        .stub()) {
            Jvm jvm = keeper.jvm();
            var descriptors = Keeper.descriptors(jvm.pid());
            assertThat(descriptors).containsEntry("0", "/dev/null").containsEntry("1", "/dev/null");
            assertThat(descriptors.get("2")).isEqualTo(folder.resolve("log").toString());
            assertThat(descriptors.get("3")).startsWith("pipe:");
            // 4 was the pair's end, which the stub has handed over; its own socket is the only other.
            descriptors.keySet().removeAll(List.of("0", "1", "2", "3"));
            assertThat(descriptors.values()).hasSize(1).allMatch(link -> link.startsWith("socket:"));
            assertThat(keeper.pid())
                    .isEqualTo(Objects.requireNonNull(Processes.stat(jvm.pid())).parent());
        }
    }

    @Test
    void onlyTheFirstJvmGetsTheAnswersPipe() throws Exception {
        try (Pipe answer = FileCalls.pipe();
                Keeper keeper = Keeper.in(folder).answer(answer.writeEnd()).stub()) {
            answer.writeEnd().close();
            Jvm jvm = keeper.servingJvm(0);
            jvm.ask("write");
            assertThat(jvm.answer()).isEqualTo("done");
            byte[] bytes = new byte[10];
            assertThat(answer.readEnd().read(bytes, 0, 10)).isEqualTo(2);
            assertThat(new String(bytes, 0, 2, StandardCharsets.UTF_8)).isEqualTo("up");
            // The end: neither the keeper nor anybody else has it open.
            assertThat(answer.readEnd().read(bytes, 0, 10)).isEqualTo(-1);
            jvm.kill();
            assertThat(Keeper.descriptors(keeper.jvm().pid())).containsEntry("3", "/dev/null");
        }
    }

    @Test
    void withoutDescriptorsTheCommandGetsDevNull() throws Exception {
        try (Keeper keeper = Keeper.in(folder).stub()) {
            assertThat(Keeper.descriptors(keeper.jvm().pid())).containsEntry("3", "/dev/null");
        }
    }

    @Test
    void signalsLimitsFolderAndEnvironmentAreAsTheyShallBe() throws Exception {
        try (Keeper keeper =
                Keeper.in(folder).by("prlimit", "--nofile=512:2048").stub()) {
            Jvm jvm = keeper.jvm();
            assertThat(line(jvm.pid(), "status", "SigBlk:")).isEqualTo("0000000000000000");
            assertThat(line(jvm.pid(), "status", "SigIgn:")).isEqualTo("0000000000000000");
            assertThat(line(jvm.pid(), "limits", "Max open files")).matches("512 +2048 +files");
            assertThat(line(keeper.pid(), "limits", "Max open files")).matches("2048 +2048 +files");
            assertThat(Files.readSymbolicLink(Path.of("/proc/" + jvm.pid() + "/cwd")))
                    .isEqualTo(Path.of("/"));
            assertThat(Files.readString(Path.of("/proc/" + jvm.pid() + "/environ"))
                            .split("\0"))
                    .contains("JSHIM_KEEPER=4");
        }
    }

    @Test
    void orphansAreReaped() throws Exception {
        try (Keeper keeper = Keeper.in(folder).stub()) {
            Jvm jvm = keeper.servingJvm(0);
            jvm.orphan(0);
            jvm.kill();
            int next = keeper.jvm().pid();
            Path children = Path.of("/proc/" + keeper.pid() + "/task/" + keeper.pid() + "/children");
            Keeper.until("no zombies", () -> Files.readString(children).trim().equals(Integer.toString(next)));
        }
    }

    @Test
    void theStatusSaysHowItIs() throws Exception {
        try (Keeper keeper = Keeper.in(folder).stub()) {
            Jvm jvm = keeper.jvm();
            assertThat(jvm.begin(0)).isEmpty();
            assertThat(folder.resolve("status")).as("before it serves").doesNotExist();
            jvm.send("serving");
            Keeper.until("a status", () -> Files.exists(folder.resolve("status")));
            assertThat(Files.readAllLines(folder.resolve("status")))
                    .containsExactly(
                            "keeper " + keeper.pid() + " " + Processes.startTime(keeper.pid()),
                            "process " + jvm.pid() + " " + Processes.startTime(jvm.pid()),
                            "state serving",
                            "restarts 0",
                            "last -",
                            "at 0");
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve("status"))))
                    .isEqualTo("rw-------");
            long before = System.currentTimeMillis() / 1000;
            jvm.kill();
            keeper.jvm();
            Keeper.until("started again", () -> keeper.status("state").equals("starting"));
            assertThat(keeper.status("last")).isEqualTo("signal 9");
            assertThat(keeper.status("restarts")).isEqualTo("1");
            assertThat(Long.parseLong(keeper.status("at"))).isBetween(before, before + 120);
            keeper.signal(Processes.SIGTERM);
            assertThat(keeper.exitStatus()).isEqualTo(143);
            assertThat(keeper.status("keeper"))
                    .as("who reads it sees that this one is dead")
                    .startsWith(keeper.pid() + " ");
        }
    }

    /** Versions before format 3 named a file for the keeper's pid, which nobody needs any more. */
    @Test
    void whatAnOlderBridgeSaysIsUnderstood() throws Exception {
        String status = folder + "/status";
        try (Keeper keeper =
                Keeper.in(folder).with("-s", status, "-p", folder + "/pid").stub()) {
            keeper.servingJvm(0);
            assertThat(folder.resolve("pid")).doesNotExist();
        }
    }

    @Test
    void theFirstJvmsFailureIsTheKeepers() throws Exception {
        try (Keeper keeper = Keeper.in(folder)
                .command(Programs.keeper(), List.of(Programs.stub().toString(), "exit", "7"))) {
            assertThat(keeper.exitStatus()).isEqualTo(7);
        }
        try (Keeper keeper = Keeper.in(folder).stub()) {
            keeper.jvm().kill();
            assertThat(keeper.exitStatus()).isEqualTo(137);
        }
        try (Keeper keeper = Keeper.in(folder).command(Programs.keeper(), List.of("/no/such"))) {
            assertThat(keeper.exitStatus()).isEqualTo(127);
            assertThat(keeper.log()).contains("the keeper cannot run /no/such: No such file or directory");
        }
    }

    @Test
    void endByPlanIsTheKeepersEnd() throws Exception {
        try (Keeper keeper = Keeper.in(folder).stub()) {
            Jvm jvm = keeper.servingJvm(0);
            jvm.send("end");
            jvm.ask("exit 3");
            assertThat(keeper.exitStatus()).isZero();
        }
    }

    @Test
    void aSecondKeeperWhoseJvmDoesNotServeLeavesTheFilesOfTheFirst() throws Exception {
        Path other = Files.createDirectory(folder.resolve("other"));
        try (Keeper first = Keeper.in(folder).stub()) {
            Jvm jvm = first.servingJvm(0);
            String status = Files.readString(folder.resolve("status"));
            try (Keeper second = Keeper.in(other).with("-s", folder + "/status").stub()) {
                Jvm refused = second.jvm();
                assertThat(refused.begin(0)).isEmpty();
                refused.ask("exit 1");
                assertThat(second.exitStatus()).isEqualTo(1);
            }
            assertThat(folder.resolve("status")).hasContent(status);
            // And the other way round: what a keeper after it has written stays when the first one ends.
            Files.writeString(folder.resolve("status"), "of another");
            jvm.send("end");
            jvm.ask("exit 0");
            assertThat(first.exitStatus()).isZero();
            assertThat(folder.resolve("status")).hasContent("of another");
        }
    }

    @Test
    void sigtermIsHandedOnOnce() throws Exception {
        try (Keeper keeper = Keeper.in(folder).stub()) {
            Jvm jvm = keeper.servingJvm(0);
            jvm.ask("term");
            assertThat(jvm.answer()).isEqualTo("done");
            keeper.signal(Processes.SIGTERM);
            assertThat(jvm.answer()).isEqualTo("term");
            keeper.signal(Processes.SIGINT);
            keeper.signal(SIGHUP);
            jvm.ask("exit 0");
            assertThat(jvm.answer()).isEmpty();
            assertThat(keeper.exitStatus()).isEqualTo(143);
        }
    }

    @Test
    void sigtermAndAnEndByPlan() throws Exception {
        try (Keeper keeper = Keeper.in(folder).stub()) {
            Jvm jvm = keeper.servingJvm(0);
            jvm.ask("term");
            assertThat(jvm.answer()).isEqualTo("done");
            keeper.signal(Processes.SIGINT);
            assertThat(jvm.answer()).isEqualTo("term");
            jvm.send("end");
            jvm.ask("exit 0");
            assertThat(keeper.exitStatus()).isZero();
        }
    }

    @Test
    void aJvmThatDoesNotStopIsKilled() throws Exception {
        try (Keeper keeper = Keeper.in(folder).second(100).stub()) {
            Jvm jvm = keeper.jvm();
            jvm.ask("term");
            assertThat(jvm.answer()).isEqualTo("done");
            keeper.signal(Processes.SIGTERM);
            assertThat(keeper.exitStatus()).isEqualTo(143);
            assertThat(keeper.log()).contains("the JVM did not stop within 20 s: the keeper kills it");
        }
    }

    @Test
    void aStatusThatCannotBeWrittenIsLoggedWithTheReason() throws Exception {
        String status = folder.resolve("no/such") + "/status";
        try (Keeper keeper = Keeper.in(folder).stub()) {
            Jvm jvm = keeper.jvm();
            jvm.send("status " + status);
            jvm.send("serving");
            keeper.untilLogged("the keeper cannot write " + status + ".new: No such file or directory");
        }
    }

    @Test
    void whatCannotBeUnderstoodIsRefused() throws Exception {
        List<List<String>> all = List.of(
                List.of(),
                List.of("--"),
                List.of("-x", "--", "/bin/true"),
                List.of("-s"),
                List.of("-s", "status", "--", "/bin/true"),
                List.of("-s", "/status"),
                List.of("-a", "x", "--", "/bin/true"),
                List.of("-a", "1", "--", "/bin/true"),
                List.of("--", "true"),
                List.of("--", "/bin/true", "x".repeat(40_000)));
        for (List<String> arguments : all) {
            var command = new java.util.ArrayList<>(List.of(Programs.keeper().toString()));
            command.addAll(arguments);
            Process process = new ProcessBuilder(command).start();
            String error = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor()).as(arguments.toString()).isEqualTo(2);
            assertThat(error)
                    .contains(
                            "level=error msg=\"usage: jshim-keeper [-k] [-a PID] [-s STATUS] -- /COMMAND [ARG...], 32 KiB\"")
                    .hasLineCount(1);
        }
    }

    @Test
    void itSaysItsVersion() throws Exception {
        Process process = new ProcessBuilder(Programs.keeper().toString(), "-v").start();
        assertThat(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                .matches("jshim-keeper [0-9.]+\n");
        assertThat(process.waitFor()).isZero();
    }

    @Test
    void itIsGoodForGlibcToo() throws Exception {
        Process process = new ProcessBuilder(Programs.withGlibc().toString(), "-v").start();
        assertThat(process.waitFor()).isZero();
    }
}
