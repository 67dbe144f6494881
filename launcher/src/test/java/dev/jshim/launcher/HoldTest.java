package dev.jshim.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.Pipe;
import dev.jshim.linux.Processes;
import dev.jshim.linux.UnixSocket;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is held for the JVM, however that ends, and what clients see of it. */
@Timeout(180)
class HoldTest {
    private static final int SIGCONT = 18;
    private static final int SIGSTOP = 19;

    @TempDir
    Path folder;

    private static Fd get(Map<String, Fd> held, String name) {
        return Objects.requireNonNull(held.get(name), () -> name + " of " + held);
    }

    private static void close(Map<String, Fd> held) {
        held.values().forEach(Fd::close);
    }

    private static void write(Fd fd, String text) throws IOException {
        fd.writeFully(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String read(Fd fd) throws IOException {
        byte[] bytes = new byte[100];
        int count = fd.read(bytes, 0, bytes.length);
        return count < 0 ? "end" : new String(bytes, 0, count, StandardCharsets.UTF_8);
    }

    private static String read(SocketChannel channel) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(100);
        int count = channel.read(bytes);
        return count < 0 ? "end" : new String(bytes.array(), 0, count, StandardCharsets.UTF_8);
    }

    private SocketChannel connect(String name) throws IOException {
        return SocketChannel.open(UnixDomainSocketAddress.of(folder.resolve(name)));
    }

    private void listen(Jvm jvm, String name) throws IOException {
        try (UnixSocket listener = UnixSocket.listen(folder.resolve(name))) {
            jvm.send("listen " + name, listener.fd());
        }
    }

    /** The keeper sees what is done meanwhile all at once, and with it that the JVM has died. */
    private static void killWhileItSleeps(Keeper keeper, Jvm jvm, Sender sender) throws IOException {
        keeper.signal(SIGSTOP);
        Keeper.until(
                "stopped",
                () -> Objects.requireNonNull(Processes.stat(keeper.pid())).state() == 'T');
        sender.send();
        jvm.kill();
        keeper.signal(SIGCONT);
    }

    interface Sender {
        void send() throws IOException;
    }

    @Test
    void whatIsKeptIsGivenToEachNextJvm() throws Exception {
        try (Pipe pipe = FileCalls.pipe();
                Keeper keeper = Keeper.in(folder).stub()) {
            Jvm jvm = keeper.servingJvm(0);
            jvm.send("keep a name with / and ü", pipe.readEnd());
            jvm.send("keep " + "n".repeat(400), pipe.readEnd());
            for (int starts = 1; starts < 3; starts++) {
                jvm.kill();
                jvm = keeper.jvm();
                Map<String, Fd> held = jvm.begin(starts);
                assertThat(held).containsOnlyKeys("kept a name with / and ü", "kept " + "n".repeat(400));
                write(pipe.writeEnd(), "x");
                assertThat(read(get(held, "kept a name with / and ü"))).isEqualTo("x");
                close(held);
                jvm.send("serving");
            }
        }
    }

    @Test
    void aNameHasOneDescriptorAndTheOneBeforeIsClosed() throws Exception {
        try (Pipe first = FileCalls.pipe();
                Pipe second = FileCalls.pipe();
                Keeper keeper = Keeper.in(folder).stub()) {
            Jvm jvm = keeper.servingJvm(0);
            jvm.send("keep a", first.writeEnd());
            jvm.send("keep a", second.writeEnd());
            first.writeEnd().close();
            second.writeEnd().close();
            assertThat(read(first.readEnd())).isEqualTo("end");
            jvm.kill();
            Map<String, Fd> held = keeper.jvm().begin(1);
            assertThat(held).containsOnlyKeys("kept a");
            write(get(held, "kept a"), "x");
            assertThat(read(second.readEnd())).isEqualTo("x");
            close(held);
        }
    }

    @Test
    void whatIsDroppedIsClosed() throws Exception {
        try (Pipe pipe = FileCalls.pipe();
                Keeper keeper = Keeper.in(folder).stub()) {
            Jvm jvm = keeper.servingJvm(0);
            jvm.send("keep a", pipe.writeEnd());
            jvm.send("keep b", pipe.readEnd());
            jvm.send("drop no such name");
            jvm.send("drop a");
            pipe.writeEnd().close();
            assertThat(read(pipe.readEnd())).isEqualTo("end");
            jvm.kill();
            Map<String, Fd> held = keeper.jvm().begin(1);
            assertThat(held).containsOnlyKeys("kept b");
            close(held);
            assertThat(keeper.log()).doesNotContain("unknown message");
        }
    }

    @Test
    void theEndClosesAll() throws Exception {
        try (Pipe pipe = FileCalls.pipe();
                Keeper keeper = Keeper.in(folder).stub()) {
            Jvm jvm = keeper.servingJvm(0);
            jvm.send("keep a", pipe.writeEnd());
            pipe.writeEnd().close();
            jvm.send("end");
            jvm.ask("exit 0");
            assertThat(read(pipe.readEnd())).isEqualTo("end");
            assertThat(keeper.exitStatus()).isZero();
        }
    }

    @Test
    void aClientDoesNotNotice() throws Exception {
        try (Keeper keeper = Keeper.in(folder).stub()) {
            Jvm jvm = keeper.servingJvm(0);
            listen(jvm, "L");
            try (SocketChannel client = connect("L")) {
                Jvm.Message given = jvm.next();
                assertThat(given.text()).isEqualTo("kept L#1");
                Objects.requireNonNull(given.fd()).close();
                jvm.kill();
                client.write(ByteBuffer.wrap("a question".getBytes(StandardCharsets.UTF_8)));
                Map<String, Fd> held = keeper.jvm().begin(1);
                assertThat(held).containsOnlyKeys("listening L", "kept L#1");
                assertThat(read(get(held, "kept L#1"))).isEqualTo("a question");
                write(get(held, "kept L#1"), "an answer");
                assertThat(read(client)).isEqualTo("an answer");
                close(held);
            }
        }
    }

    @Test
    void connectionsAreNumberedOverAllNames() throws Exception {
        try (Keeper keeper = Keeper.in(folder).stub()) {
            Jvm jvm = keeper.servingJvm(0);
            listen(jvm, "A");
            listen(jvm, "B");
            List<SocketChannel> clients = new ArrayList<>();
            for (String name : List.of("A#1", "B#2", "A#3")) {
                clients.add(connect(name.substring(0, 1)));
                Jvm.Message given = jvm.next();
                assertThat(given.text()).isEqualTo("kept " + name);
                Objects.requireNonNull(given.fd()).close();
            }
            jvm.send("drop B");
            jvm.send("drop A#1");
            assertThat(read(clients.getFirst())).isEqualTo("end");
            jvm.kill();
            Map<String, Fd> held = keeper.jvm().begin(1);
            assertThat(held).containsOnlyKeys("listening A", "kept B#2", "kept A#3");
            close(held);
            for (SocketChannel client : clients) {
                client.close();
            }
        }
    }

    @Test
    void whatConnectsWhileNoJvmRunsIsTheNextOnes() throws Exception {
        // The third death in a row: a wait of 4 s.
        try (Keeper keeper = Keeper.in(folder).second(40_000).stub()) {
            Jvm jvm = keeper.servingJvm(0);
            listen(jvm, "L");
            jvm.kill();
            keeper.unreadJvm().kill();
            keeper.unreadJvm().kill();
            Keeper.until("waiting", () -> keeper.status("state").equals("waiting"));
            assertThat(keeper.status("process")).isEqualTo("0 0");
            try (SocketChannel client = connect("L")) {
                client.write(ByteBuffer.wrap("a question".getBytes(StandardCharsets.UTF_8)));
                Jvm next = keeper.jvm();
                Map<String, Fd> held = next.begin(3);
                assertThat(held).containsOnlyKeys("listening L", "kept L#1");
                assertThat(read(get(held, "kept L#1"))).isEqualTo("a question");
                close(held);
            }
        }
    }

    @Test
    void whatADeadJvmHadSentCounts() throws Exception {
        try (Pipe pipe = FileCalls.pipe();
                Keeper keeper = Keeper.in(folder).stub()) {
            Jvm first = keeper.servingJvm(0);
            killWhileItSleeps(keeper, first, () -> {
                first.send("keep a", pipe.readEnd());
                first.send("keep b", pipe.readEnd());
                listen(first, "L");
            });
            // With messages of the keeper's unread, the end of its peer is an error to the keeper.
            Jvm second = keeper.unreadJvm();
            killWhileItSleeps(keeper, second, () -> {
                second.send("drop b");
                second.send("keep c", pipe.readEnd());
            });
            Map<String, Fd> held = keeper.jvm().begin(2);
            assertThat(held).containsOnlyKeys("kept a", "kept c", "listening L");
            close(held);
        }
    }

    @Test
    void anEndThatADeadJvmHadSentIsTheEnd() throws Exception {
        try (Keeper keeper = Keeper.in(folder).stub()) {
            Jvm jvm = keeper.servingJvm(0);
            killWhileItSleeps(keeper, jvm, () -> jvm.send("end"));
            assertThat(keeper.exitStatus()).isZero();
        }
    }

    @Test
    void moreThanTheQueueTakesIsGivenAsItIsRead() throws Exception {
        int many = 1000;
        try (Pipe pipe = FileCalls.pipe();
                Keeper keeper =
                        Keeper.in(folder).by("prlimit", "--nofile=4096:4096").stub()) {
            Jvm jvm = keeper.servingJvm(0);
            for (int i = 0; i < many; i++) {
                jvm.send("keep " + i, pipe.readEnd());
            }
            jvm.kill();
            Jvm next = keeper.unreadJvm();
            // It fills the queue, then the keeper waits for room and does other things.
            next.orphan(0);
            next.send("drop 999");
            Map<String, Fd> held = next.read().begin(1);
            assertThat(held.keySet()).hasSizeGreaterThanOrEqualTo(many - 1);
            assertThat(Keeper.descriptors(keeper.pid()).values().stream().filter(link -> link.startsWith("pipe:")))
                    .hasSize(many - 1);
            close(held);
        }
    }

    @Test
    void whatIsNotUnderstoodIsLoggedAndDropped() throws Exception {
        try (Pipe pipe = FileCalls.pipe();
                Keeper keeper = Keeper.in(folder).stub();
                UnixSocket listener = UnixSocket.listen(folder.resolve("L"))) {
            Jvm jvm = keeper.servingJvm(0);
            List<String> withDescriptor = List.of(
                    "keep",
                    "keep ",
                    "keep a\0b",
                    "keep " + "n".repeat(401),
                    "drop a",
                    "serving",
                    "end",
                    "exits",
                    "Keep a");
            for (String text : withDescriptor) {
                jvm.send(text, pipe.writeEnd());
            }
            jvm.send("listen " + "n".repeat(380), listener.fd());
            List<String> without = List.of(
                    "\0",
                    "x",
                    "keep a",
                    "listen a",
                    "next",
                    "next\0",
                    "next\0bin/true\0",
                    "keeper",
                    "keeper bin/true",
                    "reap",
                    "reap 1",
                    "status",
                    "status bin/status");
            for (String text : without) {
                jvm.send(text);
            }
            jvm.send(new byte[70_000], pipe.writeEnd());
            pipe.writeEnd().close();
            assertThat(read(pipe.readEnd())).as("every copy was closed").isEqualTo("end");
            jvm.kill();
            assertThat(keeper.jvm().begin(1)).isEmpty();
            assertThat(keeper.log().lines().filter(line -> line.contains("unknown message")))
                    .hasSize(withDescriptor.size() + without.size() + 2)
                    .allMatch(line -> line.matches(
                            "time=[-0-9]{10}T[0-9:]{8}Z level=warning msg=\"the keeper ignores an unknown message of [0-9]+ bytes\" pid="
                                    + jvm.pid()));
        }
    }

    @Test
    void manyRestartsLeakNothing() throws Exception {
        int times = Programs.ALL ? 1000 : 100;
        String[] words = Keeper.stub(folder).toArray(new String[0]);
        try (Pipe pipe = FileCalls.pipe();
                Keeper keeper = Keeper.in(folder).stub()) {
            Jvm jvm = keeper.servingJvm(0);
            jvm.send("keep a", pipe.readEnd());
            for (int i = 1; i <= times; i++) {
                // Planned ones: they are no deaths in a row.
                jvm.send("next\0" + String.join("\0", words) + "\0");
                jvm.ask("exit 0");
                jvm.close();
                jvm = keeper.jvm();
                close(jvm.begin(i));
                jvm.send("serving");
            }
            assertThat(keeper.status("restarts")).isEqualTo("0");
            // 0 to 4, signals, socket, and what is held.
            Keeper.until(
                    "before is let go", () -> Keeper.descriptors(keeper.pid()).size() <= 8);
            assertThat(Keeper.descriptors(keeper.pid())).hasSizeLessThanOrEqualTo(8);
        }
    }
}
