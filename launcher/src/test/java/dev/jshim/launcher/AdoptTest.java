package dev.jshim.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.Pipe;
import dev.jshim.linux.Processes;
import dev.jshim.linux.Spawn;
import dev.jshim.linux.UnixSocket;
import dev.jshim.linux.Wait;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A new keeper for a JVM whose keeper has died. */
@Timeout(180)
class AdoptTest {
    @TempDir
    Path folder;

    /** The keeper's end and the JVM's. */
    private UnixSocket[] pair() throws Exception {
        try (UnixSocket listener = UnixSocket.listenForMessages(folder.resolve("pair"))) {
            UnixSocket ours = UnixSocket.connectForMessages(folder.resolve("pair"));
            return new UnixSocket[] {ours, listener.accept(Keeper.LIMIT)};
        }
    }

    private static int sleep() throws Exception {
        return Spawn.command("sleep", List.of("1000")).start();
    }

    private static void kill(int pid) throws Exception {
        Processes.kill(pid, Processes.SIGKILL);
        Wait.pid(pid, true);
    }

    @Test
    void itHoldsWatchesAndStartsTheNext() throws Exception {
        UnixSocket[] pair = pair();
        int pid = sleep();
        try (Pipe pipe = FileCalls.pipe();
                Keeper keeper = Keeper.in(folder).pair(pair[0].fd()).adopting(pid, "next");
                Jvm jvm = new Jvm(pid, pair[1]).read()) {
            pair[0].close();
            Keeper.until("a ping", () -> jvm.answered() > 0);
            assertThat(keeper.status("process")).isEqualTo(pid + " " + Processes.startTime(pid));
            assertThat(keeper.status("state")).isEqualTo("serving");
            jvm.send("keep L#17", pipe.readEnd());
            try (UnixSocket listener = UnixSocket.listen(folder.resolve("L"))) {
                jvm.send("listen L", listener.fd());
            }
            try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(folder.resolve("L")))) {
                assertThat(client.isConnected()).isTrue();
                Jvm.Message given = jvm.next();
                // No keeper before it has given this number.
                assertThat(given.text()).startsWith("kept L#");
                long number = Long.parseLong(given.text().substring("kept L#".length()));
                assertThat(number).isGreaterThan(1L << 24);
                kill(pid);
                jvm.hangUp();
                Jvm next = keeper.jvm();
                assertThat(next.arguments()).isEqualTo("next");
                Map<String, Fd> held = next.begin(1);
                assertThat(held).containsOnlyKeys("kept L#17", given.text(), "listening L");
                held.values().forEach(Fd::close);
                assertThat(keeper.status("last")).isEqualTo("-");
                assertThat(keeper.status("restarts")).isEqualTo("1");
                next.ask("exit 3");
                keeper.jvm();
                assertThat(keeper.status("last")).isEqualTo("exit 3");
            }
        }
    }

    @Test
    void oneThatHasEndedAlreadyIsFollowedByTheNext() throws Exception {
        UnixSocket[] pair = pair();
        int pid = sleep();
        kill(pid);
        try (Keeper keeper = Keeper.in(folder).pair(pair[0].fd()).adopting(pid)) {
            pair[0].close();
            pair[1].close();
            assertThat(keeper.jvm().begin(1)).isEmpty();
        }
    }

    @Test
    void itsEndByPlanIsTheKeepers() throws Exception {
        UnixSocket[] pair = pair();
        int pid = sleep();
        try (Keeper keeper = Keeper.in(folder).pair(pair[0].fd()).adopting(pid);
                Jvm jvm = new Jvm(pid, pair[1])) {
            pair[0].close();
            jvm.send("end");
            kill(pid);
            jvm.hangUp();
            assertThat(keeper.exitStatus()).isZero();
        }
    }

    @Test
    void sigtermIsHandedOnToIt() throws Exception {
        UnixSocket[] pair = pair();
        int pid = sleep();
        try (Keeper keeper = Keeper.in(folder).pair(pair[0].fd()).adopting(pid);
                Jvm jvm = new Jvm(pid, pair[1])) {
            pair[0].close();
            Keeper.until("adopted", () -> folder.resolve("status").toFile().exists());
            keeper.signal(Processes.SIGTERM);
            assertThat(Wait.pid(jvm.pid(), true).exitStatus()).isEqualTo(143);
            jvm.hangUp();
            assertThat(keeper.exitStatus()).isEqualTo(143);
        }
    }
}
