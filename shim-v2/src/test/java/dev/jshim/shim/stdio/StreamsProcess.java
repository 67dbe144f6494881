package dev.jshim.shim.stdio;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.jshim.linux.Fd;
import dev.jshim.linux.Spawn;
import dev.jshim.shim.keeper.Held;
import dev.jshim.shim.keeper.Keeper;
import dev.jshim.task.Stdio;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;

/**
 * The part of a shim that has streams, as a process that can be killed; {@link Deaths} is its keeper. What is kept
 * makes it the next one. It does what comes line by line on its stdin, and answers each line.
 */
final class StreamsProcess {
    private static final String PREFIX = "io box - ";
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private StreamsProcess() {}

    /** Folder, stdin, stdout, stderr, whether there is a terminal, and the process: a program with its arguments. */
    public static void main(String[] arguments) throws Exception {
        var keeper = Objects.requireNonNull(Keeper.inherited());
        Map<String, Fd> kept = keeper.takeAll().stream()
                .collect(Collectors.toMap(held -> held.name().substring(PREFIX.length()), Held::fd));
        keeper.start(_ -> {}, () -> {});
        var folder = Path.of(arguments[0]);
        var stdio = new Stdio(arguments[1], arguments[2], arguments[3], arguments[4].equals("terminal"));
        var settings = new IoSettings(
                new PumpLoop(),
                folder.resolve("console"),
                Files.exists(folder.resolve("pass-through")),
                0,
                0,
                Duration.ZERO,
                new ChildLoggers(),
                new KeptStreams(keeper, PREFIX));
        var command = List.of(arguments).subList(5, arguments.length);
        var isFirst = keeper.restarts() == 0;
        var io = isFirst ? ProcessIo.open(stdio, settings) : ProcessIo.restore(stdio, settings, kept);
        if (isFirst) {
            run(io, command);
        }
        System.out.println("up");
        if (isFirst) {
            awaitCall(folder);
            io.started();
        }
        var input = new BufferedReader(new InputStreamReader(System.in, UTF_8));
        for (var line = input.readLine(); line != null; line = input.readLine()) {
            obey(io, line);
        }
    }

    private static void run(ProcessIo io, List<String> command) throws Exception {
        var console = io.consoleSocket();
        var spawn = console == null
                ? Spawn.command(command.getFirst(), command.subList(1, command.size()))
                : Spawn.command(command.getFirst(), command.subList(1, command.size()))
                        .environment(Map.of("CONSOLE", console.toString(), "PATH", "/usr/bin:/bin"));
        var _ = spawn.stdin(io.stdin()).stdout(io.stdout()).stderr(io.stderr()).start();
    }

    /** As long as the call of the runtime takes. */
    private static void awaitCall(Path folder) {
        while (Files.exists(folder.resolve("call"))) {
            LockSupport.parkNanos(Duration.ofMillis(1).toNanos());
        }
    }

    private static void obey(ProcessIo io, String line) {
        switch (line) {
            case "close stdin" -> io.closeStdin();
            case "exited" -> io.exited();
            case "drain" -> {
                System.out.println(io.awaitDrained(PATIENCE));
                return;
            }
            case "close" -> io.close();
            default -> throw new IllegalArgumentException(line);
        }
        System.out.println("done");
    }
}
