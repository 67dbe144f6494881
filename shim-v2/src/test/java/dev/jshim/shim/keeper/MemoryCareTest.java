package dev.jshim.shim.keeper;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** When a process gives up for want of memory. */
class MemoryCareTest {
    private static final int PIECE = 4 << 10;
    private static final List<byte[]> TAKEN = new ArrayList<>();

    /** The process: fills its heap, and looks at it three times, with garbage in it or with what is in use. */
    public static void main(String[] args) {
        var runtime = Runtime.getRuntime();
        while (runtime.totalMemory() - runtime.freeMemory() < 0.955 * runtime.maxMemory()) {
            TAKEN.add(new byte[PIECE]);
        }
        MemoryCare.endIfFull();
        MemoryCare.endIfFull();
        if (args[0].equals("garbage")) {
            TAKEN.clear();
        }
        MemoryCare.endIfFull();
    }

    private static int run(String what) throws IOException, InterruptedException {
        var process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin/java").toString(),
                        "-XX:+UseSerialGC",
                        "-Xms64m",
                        "-Xmx64m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        MemoryCareTest.class.getName(),
                        what)
                .inheritIO()
                .start();
        try {
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            return process.exitValue();
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void aHeapThatStaysFullEndsTheProcess() throws Exception {
        assertThat(run("use")).isEqualTo(3);
    }

    /** At the sixth ping after the last call, and not again before the next one. */
    @Test
    void whatIsIdleGivesFilePagesBack(@TempDir Path dir) throws IOException {
        var file = Files.write(dir.resolve("file"), new byte[64 << 10]);
        try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
            var mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size())
                    .load();
            MemoryCare.look();
            for (var ping = 1; ping < 6; ping++) {
                MemoryCare.pinged();
            }
            assertThat(resident(file)).as("not idle for long enough").isPositive();

            MemoryCare.pinged();
            assertThat(resident(file)).isZero();

            assertThat(mapped.load().get(0)).isZero();
            MemoryCare.pinged();
            assertThat(resident(file)).as("given back once").isPositive();

            MemoryCare.look();
            for (var ping = 1; ping <= 6; ping++) {
                MemoryCare.pinged();
            }
            assertThat(resident(file)).as("idle again").isZero();
        }
    }

    /** How much of it is in this process's memory, in KiB. */
    private static long resident(Path file) throws IOException {
        var lines = Files.readAllLines(Path.of("/proc/self/smaps")).iterator();
        while (lines.hasNext()) {
            if (lines.next().endsWith(" " + file)) {
                while (lines.hasNext()) {
                    var line = lines.next();
                    if (line.startsWith("Rss:")) {
                        return Long.parseLong(line.replaceAll("\\D", ""));
                    }
                }
            }
        }
        throw new AssertionError(file + " is not mapped");
    }

    @Test
    void garbageDoesNot() throws Exception {
        assertThat(run("garbage")).isZero();
    }
}
