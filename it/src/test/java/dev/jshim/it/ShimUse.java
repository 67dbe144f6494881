package dev.jshim.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * What a process holds, as proc(5) tells it.
 *
 * @param descriptors how many are open
 * @param threads how many there are
 * @param children processes whose parent it is, zombies among them
 * @param rssMiB its resident memory
 */
record ShimUse(int descriptors, int threads, int children, int rssMiB) {

    static ShimUse of(ProcessFacts process) {
        long jvm = Shims.jvm(process.pid());
        long worker = jvm == 0 ? process.pid() : jvm;
        int children = jvm == 0 ? children(worker) : children(worker) + children(process.pid()) - 1;
        Path proc = Path.of("/proc/" + worker);
        return new ShimUse(count(proc.resolve("fd")), count(proc.resolve("task")), children, (int)
                (status(proc, "VmRSS:") / 1024));
    }

    private static int count(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return (int) files.count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static int children(long parent) {
        return (int) ProcessHandle.allProcesses()
                .filter(process ->
                        process.parent().filter(p -> p.pid() == parent).isPresent())
                .count();
    }

    private static long status(Path proc, String key) {
        try (Stream<String> lines = Files.lines(proc.resolve("status"))) {
            return lines.filter(line -> line.startsWith(key))
                    .map(line -> line.replaceAll("\\D", ""))
                    .mapToLong(Long::parseLong)
                    .findFirst()
                    .orElseThrow();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
