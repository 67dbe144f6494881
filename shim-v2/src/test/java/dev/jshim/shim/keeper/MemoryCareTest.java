package dev.jshim.shim.keeper;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

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

    @Test
    void garbageDoesNot() throws Exception {
        assertThat(run("garbage")).isZero();
    }
}
