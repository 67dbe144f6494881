package dev.jshim.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.Processes;
import java.nio.file.Path;
import java.util.Objects;
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
        try (Keeper keeper = Keeper.in(folder).second(200).stub()) {
            Jvm jvm = keeper.servingJvm(0);
            Keeper.until("20 seconds of pings", () -> jvm.answered() >= 10);
            assertThat(keeper.status("restarts")).isEqualTo("0");
        }
    }

    @Test
    void aJvmThatHangsIsKilled() throws Exception {
        try (Keeper keeper = Keeper.in(folder).second(20).stub()) {
            keeper.servingJvm(0).mute();
            keeper.jvm();
            assertThat(keeper.status("last")).isEqualTo("hang");
            assertThat(keeper.status("restarts")).isEqualTo("1");
            assertThat(keeper.log()).contains("level=error msg=\"does not answer: killing it\"");
        }
    }

    @Test
    void aJvmThatIsBusyHasMoreTime() throws Exception {
        try (Keeper keeper = Keeper.in(folder).second(20).stub()) {
            Jvm jvm = keeper.jvm().mute();
            jvm.ask("spin");
            assertThat(jvm.answer()).isEqualTo("done");
            long before = System.nanoTime();
            jvm.send("serving");
            keeper.jvm();
            assertThat(System.nanoTime() - before).isGreaterThanOrEqualTo(60 * 20_000_000L);
            assertThat(keeper.status("last")).isEqualTo("hang");
        }
    }

    @Test
    void aJvmThatIsStoppedDoesNotHang() throws Exception {
        try (Keeper keeper = Keeper.in(folder).second(20).stub()) {
            Jvm jvm = keeper.jvm().mute();
            Processes.kill(jvm.pid(), SIGSTOP);
            Keeper.until(
                    "stopped",
                    () -> Objects.requireNonNull(Processes.stat(jvm.pid())).state() == 'T');
            jvm.send("serving");
            Thread.sleep(40 * 20);
            assertThat(keeper.status("process")).startsWith(jvm.pid() + " ");
            assertThat(keeper.log()).doesNotContain("killing it");
            Processes.kill(jvm.pid(), SIGCONT);
            keeper.jvm();
            assertThat(keeper.status("last")).isEqualTo("hang");
        }
    }

    @Test
    void aJvmThatDoesNotComeUpIsKilled() throws Exception {
        try (Keeper keeper = Keeper.in(folder).second(10).stub()) {
            keeper.jvm();
            assertThat(keeper.exitStatus()).isEqualTo(137);
            assertThat(keeper.log()).contains("does not come up: killing it").contains("ended after a hang");
        }
    }

    @Test
    void aJvmThatDiesAgainAndAgainIsStartedEverMoreSlowly() throws Exception {
        try (Keeper keeper = Keeper.in(folder).second(20).stub()) {
            keeper.servingJvm(0).kill();
            // One that hangs at its start, as a slow machine may find here, has died too.
            for (String wait :
                    new String[] {"0.1", "0.2", "0.4", "0.8", "1.6", "3.2", "6.4", "12.8", "25.6", "30.0", "30.0"}) {
                while (!keeper.log().contains("waiting " + wait + " s")) {
                    keeper.unreadJvm().kill();
                    Keeper.until("the next", () -> !keeper.status("state").equals("waiting"));
                }
            }
            Jvm jvm = keeper.jvm();
            jvm.send("serving");
            Keeper.until("serving", () -> keeper.status("state").equals("serving"));
            Thread.sleep(20);
            long lines = keeper.log()
                    .lines()
                    .filter(line -> line.contains("in a row"))
                    .count();
            jvm.kill();
            keeper.jvm();
            assertThat(keeper.log().lines().filter(line -> line.contains("in a row")))
                    .hasSize((int) lines);
        }
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
