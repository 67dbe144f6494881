package dev.jshim.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A program whose first thread ends while the second goes on, beside a child that does the same: the kernel shows both
 * as zombies, and OCI runtimes take them for dead.
 */
final class FirstThread {
    /** In the root file system. */
    static final String PROGRAM = "/bin/first-thread-ends";

    private static final String SOURCE = """
            #include <pthread.h>
            #include <unistd.h>
            static void *rest(void *nothing) {
                for (;;) pause();
            }
            int main(void) {
                pthread_t thread;
                fork();
                pthread_create(&thread, NULL, rest, NULL);
                pthread_exit(NULL);
            }
            """;

    private FirstThread() {}

    /** Runs a container with it, on a root file system of its own, and waits until its first thread has ended. */
    static ProcessFacts run(PrivateContainerd node, String runtime, List<String> flags, String id) {
        Path rootfs = node.rootfs();
        compile(rootfs.resolve(PROGRAM.substring(1)));
        node.ctr(node.runArgs(runtime, flags, rootfs, id, PROGRAM).toArray(String[]::new))
                .ok();
        ProcessFacts init = node.init(id);
        Wait.until("it and its child are without it", () -> isOver(init.pid()) && isOver(child(init)));
        return init;
    }

    /** Makes the program. */
    static Path compile(Path binary) {
        try {
            Path source = Files.writeString(binary.resolveSibling("source.c"), SOURCE);
            Run.of(List.of("gcc", "-static", "-pthread", "-o", binary.toString(), source.toString()))
                    .run()
                    .ok();
            return binary;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The child of init. */
    static long child(ProcessFacts init) {
        try (var children = Files.list(Path.of("/proc/" + init.pid() + "/task"))) {
            for (Path thread : children.toList()) {
                String pids = Files.readString(thread.resolve("children")).strip();
                if (!pids.isEmpty()) {
                    return Long.parseLong(pids);
                }
            }
            return 0;
        } catch (IOException e) {
            return 0;
        }
    }

    private static boolean isOver(long pid) {
        try {
            return Files.readString(Path.of("/proc/" + pid + "/stat")).contains(") Z ");
        } catch (IOException e) {
            return false;
        }
    }
}
