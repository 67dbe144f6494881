package dev.jshim.it.vm;

import dev.jshim.it.Outcome;
import dev.jshim.it.Run;
import dev.jshim.it.Wait;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/** systemd, by its commands, and the control groups that it and others make. */
final class Systemd {
    /** The machine may be very slow. */
    private static final Duration LIMIT = Duration.ofMinutes(5);

    private Systemd() {}

    static Outcome systemctl(String... words) {
        return Run.of(Stream.concat(Stream.of("systemctl"), Stream.of(words)).toList())
                .within(LIMIT)
                .run();
    }

    static boolean hasFailed(String unit) {
        return systemctl("is-failed", unit).code() == 0;
    }

    static String property(String unit, String name) {
        return systemctl("show", "--property=" + name, "--value", unit).ok().out();
    }

    static boolean isActive(String unit) {
        return systemctl("is-active", unit).code() == 0;
    }

    static void awaitInactive(String unit) {
        Wait.until(unit + " is gone", () -> !isActive(unit));
    }

    /** Takes the settings of each unit from its files again. */
    static void reload() {
        systemctl("daemon-reload").ok();
    }

    /** A process's folder in the unified hierarchy. */
    static Path cgroup(long pid) {
        try {
            return Files.readAllLines(Path.of("/proc/" + pid + "/cgroup")).stream()
                    .filter(line -> line.startsWith("0::/"))
                    .map(line -> Path.of("/sys/fs/cgroup" + line.substring("0::".length())))
                    .findFirst()
                    .orElseThrow();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A shell's command line for what is more of the machine than of a test. */
    static void sh(String line) {
        Run.of(List.of("sh", "-euc", line)).run().ok();
    }
}
