package dev.jshim.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import dev.jshim.linux.Pipe;
import dev.jshim.linux.Processes;
import dev.jshim.linux.Spawn;
import dev.jshim.linux.UnixSocket;
import dev.jshim.linux.Wait;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A keeper that becomes another program, or cannot. */
@Timeout(180)
class ReplaceTest {
    @TempDir
    Path folder;

    private static Path program(Keeper keeper) throws java.io.IOException {
        return Files.readSymbolicLink(Path.of("/proc/" + keeper.pid() + "/exe"));
    }

    /** A keeper with a listener, a connection and a pipe, once replaced twice before. */
    private void listen(Jvm jvm) throws Exception {
        try (UnixSocket listener = UnixSocket.listen(folder.resolve("L"))) {
            jvm.send("listen L", listener.fd());
        }
    }

    private SocketChannel connect(Jvm jvm, String name) throws Exception {
        SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(folder.resolve("L")));
        Jvm.Message given = jvm.next();
        assertThat(given.text()).isEqualTo("kept " + name);
        Objects.requireNonNull(given.fd()).close();
        return client;
    }

    /** As a shim has it that has just been replaced itself. */
    @Test
    void whatCameRightBeforeIsInTheStatus() throws Exception {
        Path copy = Files.copy(Programs.keeper(), folder.resolve("another keeper"));
        try (Keeper keeper = Keeper.in(folder).stub("one")) {
            Jvm jvm = keeper.jvm();
            assertThat(jvm.begin(0)).isEmpty();
            keeper.signal(19); // SIGSTOP, so that it reads both at once
            jvm.send("serving");
            jvm.send("keeper " + copy);
            keeper.signal(18);
            keeper.untilLogged("the keeper is now version");
            Keeper.until("the status says so", () -> keeper.status("state").equals("serving"));
        }
    }

    @Test
    void allIsCarriedOver() throws Exception {
        Path copy = Files.copy(Programs.keeper(), folder.resolve("another keeper"));
        try (Pipe pipe = FileCalls.pipe();
                Keeper keeper = Keeper.in(folder).stub("one")) {
            keeper.servingJvm(0).kill();
            Jvm jvm = keeper.servingJvm(1);
            listen(jvm);
            jvm.send("keep a", pipe.writeEnd());
            pipe.writeEnd().close();
            SocketChannel client = connect(jvm, "L#1");
            jvm.send("keeper " + copy);
            jvm.send("keep b", pipe.readEnd());
            Keeper.until("replaced", () -> program(keeper).equals(copy));
            keeper.untilLogged("the keeper is now version");
            SocketChannel second = connect(jvm, "L#2");
            assertThat(Objects.requireNonNull(Processes.stat(jvm.pid())).parent())
                    .isEqualTo(keeper.pid());
            assertThat(keeper.status("process")).startsWith(jvm.pid() + " ");
            assertThat(keeper.status("state")).isEqualTo("serving");
            jvm.kill();
            Jvm next = keeper.jvm();
            assertThat(next.arguments()).isEqualTo("one");
            Map<String, Fd> held = next.begin(2);
            assertThat(held).containsOnlyKeys("listening L", "kept a", "kept b", "kept L#1", "kept L#2");
            assertThat(keeper.status("restarts")).isEqualTo("2");
            assertThat(keeper.status("last")).isEqualTo("signal 9");
            held.values().forEach(Fd::close);
            next.send("drop a");
            assertThat(pipe.readEnd().read(new byte[1], 0, 1))
                    .as("nobody else has it")
                    .isEqualTo(-1);
            client.close();
            second.close();
            next.send("end");
            next.ask("exit 0");
            assertThat(keeper.exitStatus()).isZero();
        }
    }

    @Test
    void whatCannotBeRunIsNotBecome() throws Exception {
        Path text = Files.writeString(folder.resolve("text"), "no program");
        try (Pipe pipe = FileCalls.pipe();
                Keeper keeper = Keeper.in(folder).stub()) {
            Jvm jvm = keeper.servingJvm(0);
            jvm.send("keep a", pipe.readEnd());
            jvm.send("keeper /no/such");
            jvm.send("keeper " + text);
            keeper.untilLogged("cannot be replaced by /no/such: No such file or directory");
            keeper.untilLogged("cannot be replaced by " + text + ": Permission denied");
            jvm.kill();
            Map<String, Fd> held = keeper.jvm().begin(1);
            assertThat(held).containsOnlyKeys("kept a");
            assertThat(Keeper.descriptors(Objects.requireNonNull(keeper).pid()).values())
                    .noneMatch(link -> link.contains("memfd"));
            held.values().forEach(Fd::close);
        }
    }

    /** Its file was removed: if the other one did not understand the state, nobody could go back to this one. */
    @Test
    void withoutAWayBackItStaysAsItIs() throws Exception {
        Path mine = Files.copy(Programs.keeper(), folder.resolve("mine"));
        try (Pipe pipe = FileCalls.pipe();
                Keeper keeper = Keeper.in(folder).command(mine, Keeper.stub(folder))) {
            Jvm jvm = keeper.servingJvm(0);
            jvm.send("keep a", pipe.readEnd());
            Files.delete(mine);
            jvm.send("keeper " + Programs.keeper());
            keeper.untilLogged("cannot be replaced by " + Programs.keeper() + ": No such file or directory");
            assertThat(program(keeper)).hasToString(mine + " (deleted)");
            jvm.kill();
            Map<String, Fd> held = keeper.jvm().begin(1);
            assertThat(held).containsOnlyKeys("kept a");
            held.values().forEach(Fd::close);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 99})
    void oneThatDoesNotUnderstandTheStateGoesBack(int format) throws Exception {
        try (Pipe pipe = FileCalls.pipe();
                Keeper keeper = Keeper.in(folder).stub()) {
            Jvm jvm = keeper.servingJvm(0);
            Path before = program(keeper);
            jvm.send("keep a", pipe.readEnd());
            listen(jvm);
            jvm.send("keeper " + Programs.keeperOfFormat(format));
            keeper.untilLogged("the keeper cannot read the state that " + before + " left, and goes back to it");
            keeper.untilLogged("the keeper is now version");
            assertThat(program(keeper)).isEqualTo(before);
            connect(jvm, "L#1").close();
            jvm.kill();
            Jvm next = keeper.jvm();
            Map<String, Fd> held = next.begin(1);
            assertThat(held).containsOnlyKeys("kept a", "listening L", "kept L#1");
            held.values().forEach(Fd::close);
            // The descriptors are closed on exec again: this stub has got no more than the first.
            assertThat(Keeper.descriptors(next.pid())).hasSize(5);
        }
    }

    @Test
    void oneThatIsAskedForByADeadJvmIsBecomeWhileNoneRuns() throws Exception {
        Path copy = Files.copy(Programs.keeper(), folder.resolve("another"));
        try (Pipe pipe = FileCalls.pipe();
                Keeper keeper = Keeper.in(folder).second(20_000).stub()) {
            Jvm jvm = keeper.servingJvm(0);
            jvm.send("keep a", pipe.readEnd());
            jvm.kill();
            keeper.unreadJvm().kill();
            Jvm third = keeper.unreadJvm();
            third.send("keeper " + copy);
            third.kill();
            Keeper.until("replaced", () -> program(keeper).equals(copy));
            Map<String, Fd> held = keeper.jvm().begin(3);
            assertThat(held).containsOnlyKeys("kept a");
            held.values().forEach(Fd::close);
        }
    }

    @Test
    void withoutAStateItExits() throws Exception {
        Path broken = Files.write(folder.resolve("broken"), new byte[100]);
        for (Path path : List.of(broken, Path.of("/dev/null"))) {
            try (Fd log = FileCalls.open(folder.resolve("log"), OpenFlags.O_WRONLY | OpenFlags.O_CREAT, 0600);
                    Fd state = FileCalls.open(path, OpenFlags.O_RDONLY, 0)) {
                int pid = Spawn.command(Programs.keeper().toString(), List.of("-r", "5"))
                        .extra(state, 5)
                        .stderr(log)
                        .start();
                assertThat(Wait.pid(pid, true).exitStatus()).isEqualTo(1);
                assertThat(folder.resolve("log")).content().contains("cannot read the state");
            }
        }
    }
}
