package dev.jshim.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.StringReader;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProcessMemoryTest {
    private static final int SIZE = 4 << 20;
    private static final int PIECE = 4 << 10;
    private static final long KIB = 1024;
    private static final String MAPPING = """
            %s 00001000 fe:00 4711    %s
            Size:                132 kB
            Rss:                 %d kB
            Pss:                  20 kB
            Anonymous:            %d kB
            Swap:                 %d kB
            SwapPss:               0 kB
            VmFlags: rd ex mr mw me sd
            """;

    @TempDir
    Path dir;

    private static List<ProcessMemory.Mapping> readOnly(String smaps) throws IOException {
        return ProcessMemory.readOnly(new BufferedReader(new StringReader(smaps)));
    }

    @Test
    void findsWhatIsOnlyRead() throws IOException {
        var smaps = MAPPING.formatted("1000-3000 r-xp", "/lib/libc.so.6", 8, 0, 0)
                + MAPPING.formatted("7f3400000000-ffffffffff600000 r--p", "/opt/a name.aot", 104, 0, 0)
                + MAPPING.formatted("5000-6000 rw-p", "[heap]", 4, 4, 0);
        assertThat(readOnly(smaps))
                .containsExactly(
                        new ProcessMemory.Mapping(0x1000, 0x3000, 8192),
                        new ProcessMemory.Mapping(0x7f3400000000L, 0xffffffffff600000L, 106496));
    }

    @ParameterizedTest
    @CsvSource({
        "rw-p, /lib/libc.so.6, 4, 0, 0", // may be written to
        "r--p, /lib/libc.so.6, 4, 4, 0", // a relocation
        "r-xp, /lib/libc.so.6, 4, 0, 4", // that was swapped out
        "---p, /lib/libc.so.6, 0, 0, 0",
        "r--p, /lib/libc.so.6, 0, 0, 0", // nothing in memory
        "r-xp, [vdso], 4, 0, 0",
    })
    void leavesEverythingElse(String mode, String path, int resident, int anonymous, int swap) throws IOException {
        assertThat(readOnly(MAPPING.formatted("1000-2000 " + mode, path, resident, anonymous, swap)))
                .isEmpty();
    }

    @Test
    void whatIsReleasedIsReadAgain() throws IOException {
        var file = Files.write(dir.resolve("file"), new byte[SIZE]);
        try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
            var mapped = channel.map(MapMode.READ_ONLY, 0, SIZE).load();

            assertThat(ProcessMemory.releaseFiles()).isGreaterThanOrEqualTo(SIZE);

            assertThat(mapped.isLoaded()).isTrue(); // in the page cache
            assertThat(resident(file)).isZero();
            assertThat(mapped.get(SIZE - 1)).isZero();
            assertThat(resident(file)).isPositive();
        }
    }

    /** The last of many pieces is in use, and keeps malloc from giving back those before it. */
    @Test
    void whatIsFreedIsGivenBack() throws IOException {
        try (var inUse = Arena.ofConfined()) {
            try (var many = Arena.ofConfined()) {
                for (var i = 0; i < SIZE / PIECE; i++) {
                    many.allocate(PIECE).fill((byte) 1);
                }
                inUse.allocate(PIECE).fill((byte) 1);
            }
            var before = anonymous();

            ProcessMemory.trim();

            assertThat(before - anonymous()).isGreaterThan(SIZE / 2);
        }
    }

    /** How much of this process is in memory and no file's, in bytes. */
    private static long anonymous() throws IOException {
        for (var line : Files.readAllLines(Path.of("/proc/self/smaps_rollup"))) {
            if (line.startsWith("Anonymous:")) {
                return KIB * Long.parseLong(line.replaceAll("\\D", ""));
            }
        }
        throw new AssertionError("the kernel does not say");
    }

    private static long resident(Path file) throws IOException {
        try (var smaps = Files.newBufferedReader(Path.of("/proc/self/smaps"))) {
            for (var line = smaps.readLine(); line != null; line = smaps.readLine()) {
                if (line.endsWith(" " + file)) {
                    while (!line.startsWith("Rss:")) {
                        line = smaps.readLine();
                    }
                    return Long.parseLong(line.replaceAll("\\D", ""));
                }
            }
        }
        throw new AssertionError(file + " is not mapped");
    }
}
