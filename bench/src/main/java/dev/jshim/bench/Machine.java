package dev.jshim.bench;

import dev.jshim.it.PrivateContainerd;
import dev.jshim.it.Run;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;

/** What the numbers were taken on. */
final class Machine {
    private Machine() {}

    /** Some lines of text, each with its end. */
    static String describe(PrivateContainerd node) {
        var java = Run.of(List.of(System.getProperty("java.home") + "/bin/java", "--version"))
                .run()
                .ok();
        return """
                - %s; %s, %d cores, %d MiB of memory, Linux %s
                - containerd %s, %s, JVM %s
                - %s; /run is %s
                """.formatted(
                LocalDate.now(ZoneOffset.UTC),
                field(Path.of("/proc/cpuinfo"), "model name"),
                Runtime.getRuntime().availableProcessors(),
                Long.parseLong(field(Path.of("/proc/meminfo"), "MemTotal").split(" ", -1)[0]) / 1024,
                System.getProperty("os.version"),
                word(node.release().daemon(), 2),
                firstLine(List.of("runc", "--version")),
                java.out().lines().findFirst().orElse("").split(" ", -1)[1],
                "load before the first measurement: " + firstLine(List.of("cut", "-d ", "-f1-3", "/proc/loadavg")),
                firstLine(List.of("stat", "-f", "-c", "%T", "/run")));
    }

    private static String word(Path program, int index) {
        return firstLine(List.of(program.toString(), "--version")).split(" ", -1)[index];
    }

    private static String firstLine(List<String> command) {
        return Run.of(command).run().ok().out().lines().findFirst().orElse("");
    }

    /** The value of the first line "name : value". */
    private static String field(Path file, String name) {
        try (var lines = Files.lines(file)) {
            return lines.filter(line -> line.startsWith(name))
                    .findFirst()
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .orElse("unknown");
        } catch (IOException e) {
            return "unknown";
        }
    }
}
