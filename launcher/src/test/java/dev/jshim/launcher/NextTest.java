package dev.jshim.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.FileCalls;
import dev.jshim.linux.Pipe;
import dev.jshim.linux.Processes;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A command that takes the place of another. */
@Timeout(180)
class NextTest {
    @TempDir
    Path folder;

    private String next(String... words) {
        return "next\0" + String.join("\0", Keeper.stub(folder, words)) + "\0";
    }

    @Test
    void theNextCommandStaysOnceItServes() throws Exception {
        try (Pipe pipe = FileCalls.pipe();
                Keeper keeper = Keeper.in(folder).stub("one")) {
            Jvm jvm = keeper.servingJvm(0);
            assertThat(jvm.arguments()).isEqualTo("one");
            jvm.send("keep a", pipe.readEnd());
            jvm.send(next("two", ""));
            jvm.ask("exit 0");
            Jvm second = keeper.jvm();
            assertThat(second.arguments()).isEqualTo("two ");
            assertThat(second.begin(1)).containsOnlyKeys("kept a");
            second.send("serving");
            keeper.untilLogged("the JVM of the new command serves");
            assertThat(keeper.status("restarts")).isEqualTo("0");
            assertThat(keeper.status("failed")).isEmpty();
            second.kill();
            assertThat(keeper.jvm().arguments()).isEqualTo("two ");
            assertThat(keeper.status("restarts")).isEqualTo("1");
        }
    }

    @Test
    void oneThatDiesIsTakenBack() throws Exception {
        try (Keeper keeper = Keeper.in(folder).stub("one")) {
            Jvm jvm = keeper.servingJvm(0);
            jvm.send(next("two"));
            jvm.ask("exit 0");
            keeper.jvm().ask("exit 5");
            Jvm third = keeper.jvm();
            assertThat(third.arguments()).isEqualTo("one");
            assertThat(third.begin(2)).isEmpty();
            assertThat(keeper.status("failed")).isEqualTo("next");
            assertThat(keeper.status("last")).isEqualTo("exit 5");
            third.send("serving");
            third.send("next\0/no/such\0");
            Keeper.until("another attempt", () -> keeper.status("failed").isEmpty());
            third.ask("exit 0");
            assertThat(keeper.jvm().arguments()).isEqualTo("one");
            assertThat(keeper.status("failed")).isEqualTo("next");
            assertThat(keeper.status("last")).isEqualTo("exit 127");
        }
    }

    @Test
    void oneThatDoesNotServeIsKilledAndTakenBack() throws Exception {
        try (Keeper keeper = Keeper.in(folder).second(150).stub("one")) {
            Jvm jvm = keeper.servingJvm(0);
            jvm.send(next("two"));
            jvm.ask("exit 0");
            assertThat(keeper.jvm().arguments()).isEqualTo("two");
            assertThat(keeper.jvm().arguments()).isEqualTo("one");
            assertThat(keeper.status("failed")).isEqualTo("next");
            assertThat(keeper.status("last")).isEqualTo("hang");
        }
    }

    @Test
    void oneThatADeadJvmHadSentIsStartedToo() throws Exception {
        try (Keeper keeper = Keeper.in(folder).stub("one")) {
            Jvm jvm = keeper.servingJvm(0);
            jvm.send(next("two"));
            Processes.kill(jvm.pid(), Processes.SIGKILL);
            assertThat(keeper.jvm().arguments()).isEqualTo("two");
            assertThat(keeper.status("restarts")).as("a kill is no plan").isEqualTo("1");
        }
    }
}
