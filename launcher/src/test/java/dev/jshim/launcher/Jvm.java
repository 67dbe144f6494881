package dev.jshim.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.Fd;
import dev.jshim.linux.FdMessage;
import dev.jshim.linux.Processes;
import dev.jshim.linux.UnixSocket;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A stub that a keeper has started, and its end of the socket pair: whoever has this is the JVM. Pings are answered.
 */
final class Jvm implements AutoCloseable {
    /** The text of a message, and its descriptor. */
    record Message(String text, @Nullable Fd fd) {}

    private final LinkedBlockingQueue<Message> messages = new LinkedBlockingQueue<>();
    private final @Nullable UnixSocket control;
    private final UnixSocket socket;
    private final int pid;
    private final String arguments;
    private final AtomicInteger answered = new AtomicInteger();
    private volatile boolean mute;

    Jvm(UnixSocket control) throws IOException {
        this.control = control;
        FdMessage hello = control.receive(1000, Keeper.LIMIT);
        String[] words = new String(hello.data(), StandardCharsets.UTF_8).split(" ", 2);
        pid = Integer.parseInt(words[0]);
        arguments = words.length == 1 ? "" : words[1];
        socket = UnixSocket.of(Objects.requireNonNull(hello.fd()));
        assertThat(control.receive(100, Keeper.LIMIT).data()).isEqualTo("ready".getBytes(StandardCharsets.UTF_8));
    }

    /** One that runs already, and has such a socket. */
    Jvm(int pid, UnixSocket socket) {
        this.pid = pid;
        this.socket = socket;
        control = null;
        arguments = "";
    }

    int pid() {
        return pid;
    }

    /** How many pings were answered. */
    int answered() {
        return answered.get();
    }

    /** What the stub was started with, after the control socket. */
    String arguments() {
        return arguments;
    }

    /** Leaves pings unanswered from now on. */
    Jvm mute() {
        mute = true;
        return this;
    }

    /** Reads what comes; before that it stays in the queue of the socket. */
    Jvm read() {
        Thread.ofVirtual().start(() -> {
            try {
                for (var got = socket.receive(1000, Keeper.LIMIT);
                        got.data().length > 0;
                        got = socket.receive(1000, Keeper.LIMIT)) {
                    String text = new String(got.data(), StandardCharsets.UTF_8);
                    if (!text.equals("ping")) {
                        messages.add(new Message(text, got.fd()));
                    } else if (!mute) {
                        send("alive");
                        answered.incrementAndGet();
                    }
                }
            } catch (IOException e) {
                // The end, or the test has waited for long enough.
            }
        });
        return this;
    }

    /** Whether there is one that {@link #next} would not wait for. */
    boolean hasMessages() {
        return !messages.isEmpty();
    }

    Message next() throws InterruptedException {
        Message message = messages.poll(Keeper.LIMIT.toSeconds(), TimeUnit.SECONDS);
        assertThat(message).as("a message of the keeper").isNotNull();
        return Objects.requireNonNull(message);
    }

    /** All that is given before the start is through, by verb and name; the caller closes it. */
    Map<String, Fd> begin(int starts) throws InterruptedException {
        Map<String, Fd> held = new LinkedHashMap<>();
        Message message = next();
        while (!message.text().startsWith("begin ")) {
            Fd before = held.put(message.text(), Objects.requireNonNull(message.fd()));
            assertThat(before).as(message.text()).isNull();
            message = next();
        }
        assertThat(message.text()).isEqualTo("begin " + starts);
        return held;
    }

    void send(String text) throws IOException {
        send(text.getBytes(StandardCharsets.UTF_8), null);
    }

    void send(String text, Fd fd) throws IOException {
        send(text.getBytes(StandardCharsets.UTF_8), fd);
    }

    void send(byte[] text, @Nullable Fd fd) throws IOException {
        socket.send(new FdMessage(text, fd), Keeper.LIMIT);
    }

    /** Has the stub do something, see stub.c. */
    void ask(String what) throws IOException {
        Objects.requireNonNull(control).send(new FdMessage(what.getBytes(StandardCharsets.UTF_8), null), Keeper.LIMIT);
    }

    /** What the stub says. */
    String answer() throws IOException {
        return new String(
                Objects.requireNonNull(control).receive(100, Keeper.LIMIT).data(), StandardCharsets.UTF_8);
    }

    /** Leaves an orphan that ends with this code or, below 0, by this signal; its pid. */
    int orphan(int how) throws IOException {
        ask("orphan " + how);
        return Integer.parseInt(answer());
    }

    void kill() throws IOException {
        Processes.kill(pid, Processes.SIGKILL);
        close();
    }

    /** Closes its end of the pair, as the end of its process does. */
    void hangUp() {
        socket.close();
    }

    /** Its descriptor of the pair is closed, as that of a process that has died. */
    @Override
    public void close() {
        socket.close();
        if (control != null) {
            control.close();
        }
        for (Message message : messages) {
            if (message.fd() != null) {
                message.fd().close();
            }
        }
    }
}
