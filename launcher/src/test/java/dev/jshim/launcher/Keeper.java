package dev.jshim.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.ExitedChild;
import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import dev.jshim.linux.Processes;
import dev.jshim.linux.Spawn;
import dev.jshim.linux.UnixSocket;
import dev.jshim.linux.Wait;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A keeper that runs, with its files in a folder of the test. Closing it ends it and its stubs. */
final class Keeper implements AutoCloseable {
    /** Long enough for any machine. */
    static final Duration LIMIT = Duration.ofSeconds(60);

    private final Path folder;
    private final UnixSocket control;
    private final List<Jvm> jvms = new ArrayList<>();
    private final int pid;
    private @Nullable ExitedChild end;

    private Keeper(Path folder, UnixSocket control, int pid) {
        this.folder = folder;
        this.control = control;
        this.pid = pid;
    }

    /** How to start one; a second takes as long as it says, see JSHIM_KEEPER_SECOND. */
    record Start(
            Path folder,
            int second,
            List<String> before,
            List<String> options,
            @Nullable Fd answer,
            @Nullable Fd pair) {
        Start second(int milliseconds) {
            return new Start(folder, milliseconds, before, options, answer, pair);
        }

        /** What the keeper is run by. */
        Start by(String... words) {
            return new Start(folder, second, List.of(words), options, answer, pair);
        }

        /** In place of what names its status file. */
        Start with(String... words) {
            return new Start(folder, second, before, List.of(words), answer, pair);
        }

        Start answer(Fd fd) {
            return new Start(folder, second, before, options, fd, pair);
        }

        Start pair(Fd fd) {
            return new Start(folder, second, before, options, answer, fd);
        }

        /** With a stub that hands itself over, see {@link Keeper#jvm}. */
        Keeper stub(String... words) throws IOException {
            return command(Programs.keeper(), Keeper.stub(folder, words));
        }

        Keeper command(Path program, List<String> command) throws IOException {
            return start(program, command, options);
        }

        Keeper adopting(int jvm, String... words) throws IOException {
            List<String> all = new ArrayList<>(List.of("-a", Integer.toString(jvm)));
            all.addAll(options);
            return start(Programs.keeper(), Keeper.stub(folder, words), all);
        }

        private Keeper start(Path program, List<String> command, List<String> words) throws IOException {
            List<String> all = new ArrayList<>(before);
            all.add(program.toString());
            all.addAll(words);
            all.add("--");
            all.addAll(command);
            Map<String, String> environment = new HashMap<>(System.getenv());
            environment.put("JSHIM_KEEPER_SECOND", Integer.toString(second));
            environment.put("ASAN_OPTIONS", "detect_leaks=0");
            Files.deleteIfExists(folder.resolve("control"));
            UnixSocket control = UnixSocket.listenForMessages(folder.resolve("control"));
            int flags = OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_APPEND | OpenFlags.O_CLOEXEC;
            try (Fd log = FileCalls.open(folder.resolve("log"), flags, 0600)) {
                Spawn spawn = Spawn.command(all.getFirst(), all.subList(1, all.size()))
                        .environment(environment)
                        .stderr(log);
                if (answer != null) {
                    spawn.extra(answer, 3);
                }
                if (pair != null) {
                    spawn.extra(pair, 4);
                }
                return new Keeper(folder, control, spawn.start());
            }
        }
    }

    static Start in(Path folder) {
        return new Start(folder, 1000, List.of(), List.of("-s", folder + "/status"), null, null);
    }

    /** The command of a stub, with some words that it repeats. */
    static List<String> stub(Path folder, String... words) {
        return Stream.concat(Stream.of(Programs.stub().toString(), folder + "/control"), Stream.of(words))
                .toList();
    }

    int pid() {
        return pid;
    }

    /**
     * The JVM that was started next, and is in this keeper's status file if there is one. Nobody reads its messages
     * yet.
     */
    Jvm unreadJvm() throws IOException {
        Jvm jvm = new Jvm(control.accept(LIMIT));
        jvms.add(jvm);
        until(
                "the status has it",
                () -> !status("keeper").startsWith(pid + " ")
                        || status("process").startsWith(jvm.pid() + " "));
        return jvm;
    }

    Jvm jvm() throws IOException {
        return unreadJvm().read();
    }

    /** The JVM that was started next, given nothing, and serving. */
    Jvm servingJvm(int starts) throws Exception {
        Jvm jvm = jvm();
        assertThat(jvm.begin(starts)).isEmpty();
        jvm.send("serving");
        until("serving", () -> status("state").equals("serving"));
        return jvm;
    }

    /** A line of the status file without its first word; empty without one, or before the file is there. */
    String status(String key) throws IOException {
        if (!Files.exists(folder.resolve("status"))) {
            return "";
        }
        try (Stream<String> lines = Files.lines(folder.resolve("status"))) {
            return lines.filter(line -> line.startsWith(key + ' '))
                    .map(line -> line.substring(key.length() + 1))
                    .findAny()
                    .orElse("");
        }
    }

    String log() throws IOException {
        return Files.readString(folder.resolve("log"));
    }

    void untilLogged(String text) throws IOException {
        until(text, () -> log().contains(text));
    }

    void signal(int number) throws IOException {
        Processes.kill(pid, number);
    }

    /** What the links below /proc/PID/fd say. */
    static Map<String, String> descriptors(int pid) throws IOException {
        Map<String, String> all = new HashMap<>();
        try (Stream<Path> links = Files.list(Path.of("/proc/" + pid + "/fd"))) {
            for (Path link : links.toList()) {
                try {
                    String what = Files.readSymbolicLink(link).toString();
                    all.put(link.getFileName().toString(), what);
                } catch (NoSuchFileException e) {
                    // It has been closed since.
                }
            }
        }
        return all;
    }

    /** Waits for its end; the exit status as a shell has it. */
    int exitStatus() throws IOException {
        until("the keeper's end", this::hasEnded);
        ExitedChild ended = end;
        return ended == null ? -1 : ended.exitStatus();
    }

    private boolean hasEnded() throws IOException {
        if (end == null) {
            end = Wait.poll(pid, true);
        }
        return end != null;
    }

    interface Condition {
        boolean holds() throws IOException;
    }

    static void until(String what, Condition condition) throws IOException {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!condition.holds()) {
            assertThat(System.nanoTime()).as("waited for: " + what).isLessThan(deadline);
            LockSupport.parkNanos(2_000_000);
        }
    }

    @Override
    public void close() throws IOException {
        if (!hasEnded()) {
            signal(Processes.SIGKILL);
            exitStatus();
        }
        control.close();
        for (Jvm jvm : jvms) {
            jvm.close();
        }
    }
}
