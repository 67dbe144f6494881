package dev.jshim.shim.stdio;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.Fd;
import dev.jshim.linux.FdMessage;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.Processes;
import dev.jshim.linux.Spawn;
import dev.jshim.linux.UnixSocket;
import dev.jshim.linux.Wait;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;

/** The keeper of a {@link StreamsProcess} that dies again and again. Used by one thread. */
final class Deaths implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final int THEIR_END = 4;

    private final List<String> arguments;
    private final Map<String, Fd> kept = new LinkedHashMap<>();
    private int restarts;
    private Life life;

    private record Life(int pid, UnixSocket line, Fd input, Fd output, CompletableFuture<Void> heard) {}

    private Deaths(List<String> arguments) throws IOException {
        this.arguments = arguments;
        life = begin();
    }

    /** Starts the first one; it runs the command. */
    static Deaths of(Path folder, String in, String out, String err, boolean terminal, String... command)
            throws IOException {
        List<String> arguments = new ArrayList<>(List.of(
                "--enable-native-access=ALL-UNNAMED",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xmx64m",
                "-Xshare:auto",
                "-cp",
                System.getProperty("java.class.path"),
                StreamsProcess.class.getName(),
                folder.toString(),
                in,
                out,
                err,
                terminal ? "terminal" : "pipes"));
        arguments.addAll(List.of(command));
        return new Deaths(arguments);
    }

    private Life begin() throws IOException {
        int pid;
        var ends = UnixSocket.pairForMessages();
        var toIt = FileCalls.pipe();
        var fromIt = FileCalls.pipe();
        var variables = new TreeMap<>(System.getenv());
        variables.remove("JAVA_TOOL_OPTIONS");
        variables.put("JSHIM_KEEPER", Integer.toString(THEIR_END));
        try (var theirs = ends[1];
                var theirInput = toIt.readEnd();
                var theirOutput = fromIt.writeEnd();
                var errors = Fd.of(2).duplicate()) {
            // A socket of this side's is non-blocking, and so is the other's of a pair: the JVM copes with both.
            pid = Spawn.command(System.getProperty("java.home") + "/bin/java", arguments)
                    .environment(variables)
                    .stdin(theirInput)
                    .stdout(theirOutput)
                    .stderr(errors)
                    .extra(theirs.fd(), THEIR_END)
                    .start();
        }
        var line = ends[0];
        for (var each : kept.entrySet()) {
            line.send(new FdMessage(("kept " + each.getKey()).getBytes(UTF_8), each.getValue()), LIMIT);
        }
        line.send(new FdMessage(("begin " + restarts).getBytes(UTF_8), null), LIMIT);
        var heard = CompletableFuture.runAsync(
                () -> hear(line), task -> Thread.ofPlatform().start(task));
        assertThat(answer(fromIt.readEnd())).isEqualTo("up");
        return new Life(pid, line, toIt.writeEnd(), fromIt.readEnd(), heard);
    }

    private void hear(UnixSocket from) {
        try {
            while (true) {
                var message = from.receive(1000, Duration.ofHours(1));
                var words = new String(message.data(), UTF_8).split(" ", 2);
                if (words[0].isEmpty()) {
                    return;
                }
                synchronized (kept) {
                    var before = words[0].equals("keep") ? kept.put(words[1], message.fd()) : kept.remove(words[1]);
                    if (before != null) {
                        before.close();
                    }
                }
            }
        } catch (IOException e) {
            // It has died with words of ours unread.
        }
    }

    /** Kills it and starts the next one. */
    void die() throws IOException {
        kill();
        restart();
    }

    void kill() throws IOException {
        Processes.kill(life.pid(), Processes.SIGKILL);
        var _ = Wait.pid(life.pid(), true);
        life.heard().join();
        life.line().close();
        life.input().close();
        life.output().close();
        restarts++;
    }

    void restart() throws IOException {
        life = begin();
    }

    /** Has it do something. */
    String say(String words) throws IOException {
        life.input().writeFully((words + "\n").getBytes(UTF_8));
        return answer(life.output());
    }

    private static String answer(Fd output) throws IOException {
        var all = new ByteArrayOutputStream();
        var one = new byte[1];
        while (output.read(one, 0, 1) > 0 && one[0] != '\n') {
            all.write(one[0]);
        }
        return all.toString(UTF_8);
    }

    /** What is kept now. */
    Set<String> names() {
        synchronized (kept) {
            return Set.copyOf(kept.keySet());
        }
    }

    @Override
    public void close() throws IOException {
        kill();
        kept.values().forEach(Fd::close);
    }
}
