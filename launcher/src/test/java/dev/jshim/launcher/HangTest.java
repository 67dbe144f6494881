package dev.jshim.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.Processes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A JVM that hangs, is slow, is stopped, or dies again and again. Seconds are shorter here. */
@Timeout(180)
class HangTest {
    private static final int SIGCONT = 18;
    private static final int SIGSTOP = 19;

    @TempDir
    Path folder;

    @Test
    void aJvmThatAnswersLives() throws Exception {
        try (Keeper keeper = Keeper.in(folder).second(400).stub()) {
            Jvm jvm = keeper.servingJvm(0);
            Keeper.until("12 seconds of pings", () -> jvm.answered() >= 6);
            assertThat(keeper.status("restarts")).isEqualTo("0");
        }
    }

    @Test
    void aJvmThatHangsIsKilled() throws Exception {
        try (Keeper keeper = Keeper.in(folder).second(50).stub()) {
            keeper.jvm().mute().send("serving");
            keeper.jvm();
            assertThat(keeper.status("last")).isEqualTo("hang");
            assertThat(keeper.status("restarts")).isEqualTo("1");
            assertThat(keeper.log())
                    .containsPattern("level=error msg=\"the JVM did not answer within [0-9]+ s: the keeper kills it\"");
        }
    }

    @Test
    void aJvmThatIsBusyHasMoreTime() throws Exception {
        try (Keeper keeper = Keeper.in(folder).second(50).stub()) {
            Jvm jvm = keeper.jvm().mute();
            jvm.ask("spin");
            assertThat(jvm.answer()).isEqualTo("done");
            long before = System.nanoTime();
            jvm.send("serving");
            keeper.jvm();
            assertThat(System.nanoTime() - before).isGreaterThanOrEqualTo(60 * 50_000_000L);
            assertThat(keeper.status("last")).isEqualTo("hang");
        }
    }

    /** Whether anybody means to let it go on the keeper cannot tell, and its clients wait. */
    @Test
    void aJvmThatIsStoppedHasMoreTime() throws Exception {
        try (Keeper keeper = Keeper.in(folder).second(50).stub()) {
            Jvm jvm = keeper.servingJvm(0);
            long before = System.nanoTime();
            Processes.kill(jvm.pid(), SIGSTOP);
            jvm.mute();
            keeper.jvm();
            assertThat(System.nanoTime() - before).isGreaterThanOrEqualTo(58 * 50_000_000L);
            assertThat(keeper.status("last")).isEqualTo("hang");
        }
    }

    @Test
    void aJvmThatIsStoppedForAMomentLives() throws Exception {
        try (Keeper keeper = Keeper.in(folder).second(400).stub()) {
            Jvm jvm = keeper.servingJvm(0);
            for (int i = 0; i < 3; i++) {
                Processes.kill(jvm.pid(), SIGSTOP);
                Thread.sleep(800);
                Processes.kill(jvm.pid(), SIGCONT);
                int before = jvm.answered();
                Keeper.until("two more answers", () -> jvm.answered() >= before + 2);
            }
            assertThat(keeper.status("restarts")).isEqualTo("0");
        }
    }

    /** It is asked, found hanging and started again by a clock that nobody sets. */
    @Test
    void theClockOfTheWallIsSet() throws Exception {
        Path clock = Files.writeString(folder.resolve("clock"), "0");
        Keeper.Start start = Keeper.in(folder).second(100).by("/usr/bin/env", "KEEPER_CLOCK=" + clock);
        try (Keeper keeper = start.command(Programs.keeperWithClock(), Keeper.stub(folder))) {
            Jvm jvm = keeper.servingJvm(0);
            for (int days : List.of(-1, 1, -400)) {
                Files.writeString(clock, Long.toString(Duration.ofDays(days).toSeconds()));
                int before = jvm.answered();
                Keeper.until("three more answers", () -> jvm.answered() >= before + 3);
            }
            assertThat(keeper.status("restarts")).isEqualTo("0");

            jvm.mute();
            keeper.jvm();
            assertThat(keeper.status("last")).isEqualTo("hang");
            long year = Duration.ofDays(365).toSeconds();
            assertThat(Long.parseLong(keeper.status("at")))
                    .as("the clock was set")
                    .isLessThan(Instant.now().getEpochSecond() - year);
        }
    }

    @Test
    void aJvmThatDoesNotComeUpIsKilled() throws Exception {
        try (Keeper keeper = Keeper.in(folder).second(10).stub()) {
            assertThat(keeper.exitStatus()).isEqualTo(137);
            assertThat(keeper.log())
                    .contains("the JVM did not come up within 120 s: the keeper kills it")
                    .contains("ended: hang");
        }
    }

    @Test
    void aJvmThatDiesAgainAndAgainIsStartedEverMoreSlowly() throws Exception {
        // What is found hanging here, on a machine that is slow enough, has died as well.
        try (Keeper keeper = Keeper.in(folder).second(40).stub()) {
            Jvm first = keeper.jvm();
            first.send("serving");
            keeper.untilLogged("msg=\"the JVM serves\"");
            kill(first);
            for (String wait : List.of("0.1", "0.2", "0.4", "0.8", "1.6", "3.0")) {
                while (!keeper.log().contains("starts in " + wait + " s")) {
                    kill(keeper.unreadJvm());
                    Keeper.until("the next", () -> !keeper.status("state").equals("waiting"));
                }
            }
            Jvm jvm = keeper.jvm();
            long lines = waits(keeper);
            jvm.send("serving");
            keeper.untilLogged("msg=\"the JVM serves\" pid=" + jvm.pid());
            Thread.sleep(40);
            kill(jvm);
            keeper.jvm();
            assertThat(waits(keeper)).isEqualTo(lines);
        }
    }

    private static void kill(Jvm jvm) {
        try {
            jvm.kill();
        } catch (IOException e) {
            // It is dead already.
        }
    }

    private static long waits(Keeper keeper) throws IOException {
        return keeper.log().lines().filter(line -> line.contains("in a row")).count();
    }

    @Test
    void aKeeperThatWaitsEndsAtOnce() throws Exception {
        try (Keeper keeper = Keeper.in(folder).second(600_000).stub()) {
            keeper.servingJvm(0).kill();
            keeper.unreadJvm().kill();
            keeper.unreadJvm().kill();
            Keeper.until("waiting", () -> keeper.status("state").equals("waiting"));
            keeper.signal(Processes.SIGTERM);
            assertThat(keeper.exitStatus()).isEqualTo(143);
        }
    }
}
