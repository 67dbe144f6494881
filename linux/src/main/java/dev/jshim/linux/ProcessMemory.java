package dev.jshim.linux;

import java.io.BufferedReader;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The memory of this process that is not its heap. Any thread. */
public final class ProcessMemory {
    private static final Path SMAPS = Path.of("/proc/self/smaps");
    private static final int KIB = 1024;
    private static final int MADV_DONTNEED = 4;

    /** Of the GNU C library; null with another one. */
    private static final @Nullable MethodHandle MALLOC_TRIM = NativeCall.functionOrNull("malloc_trim");

    private ProcessMemory() {}

    /**
     * A mapping of a file.
     *
     * @param start its first address
     * @param end the first address behind it
     * @param resident how much of it is in memory, in bytes
     */
    record Mapping(long start, long end, long resident) {}

    /** Gives back what malloc(3) keeps of what was freed: of a young JVM's compiler 5 MB and more (malloc_trim(3)). */
    public static void trim() {
        if (MALLOC_TRIM != null) {
            int _ = NativeCall.call(MALLOC_TRIM, 0, 0, 0, 0, 0, 0);
        }
    }

    /**
     * Unmaps the pages of all files that this process only reads. They stay in the page cache, and the next access maps
     * them again, without the disk unless the kernel has needed the room meanwhile (madvise(2), MADV_DONTNEED). A
     * mapping stays as it is if it holds a page that is this process's own copy, made by a relocation or a debugger:
     * that page exists nowhere else.
     *
     * @return how much of them was in memory, in bytes; 0 if the kernel does not say
     */
    public static long releaseFiles() {
        var released = 0L;
        try (var smaps = Files.newBufferedReader(SMAPS, StandardCharsets.ISO_8859_1)) {
            for (var each : readOnly(smaps)) {
                var size = each.end() - each.start();
                // One that is locked, or gone by now, stays as it is.
                if (NativeCall.once(Syscall.MADVISE, each.start(), size, MADV_DONTNEED) == 0) {
                    released += each.resident();
                }
            }
        } catch (IOException e) {
            // The kernel was built without it, or there is no /proc.
        }
        return released;
    }

    /** Of proc_pid_smaps(5): the mappings with pages in memory, all of which are the file's. */
    static List<Mapping> readOnly(BufferedReader smaps) throws IOException {
        var found = new ArrayList<Mapping>();
        var start = 0L;
        var end = 0L;
        var isRead = false;
        var resident = 0L;
        for (var line = smaps.readLine(); line != null; line = smaps.readLine()) {
            if (line.startsWith("Rss:")) {
                resident = bytes(line);
            } else if (line.startsWith("Anonymous:") || line.startsWith("Swap:")) {
                isRead &= bytes(line) == 0;
            } else if (Character.isLowerCase(line.charAt(0)) || Character.isDigit(line.charAt(0))) {
                add(found, isRead, start, end, resident);
                // 7f3400000000-7f3400021000 r-xp 00001000 fe:00 4711    /lib/libc.so.6
                var dash = line.indexOf('-');
                var blank = line.indexOf(' ');
                start = Long.parseUnsignedLong(line, 0, dash, 16);
                end = Long.parseUnsignedLong(line, dash + 1, blank, 16);
                isRead = line.startsWith("r-", blank + 1) && line.indexOf('/') > 0;
                resident = 0;
            }
        }
        add(found, isRead, start, end, resident);
        return found;
    }

    private static void add(List<Mapping> found, boolean isRead, long start, long end, long resident) {
        if (isRead && resident > 0) {
            found.add(new Mapping(start, end, resident));
        }
    }

    /** Of a line like {@code Rss: 104 kB}. */
    private static long bytes(String line) {
        var unit = line.lastIndexOf(' ');
        return KIB * Long.parseLong(line, line.lastIndexOf(' ', unit - 1) + 1, unit, 10);
    }
}
