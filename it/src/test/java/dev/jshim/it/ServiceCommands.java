package dev.jshim.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Command lines that stop and start a containerd, as {@code systemctl} does: they put a file in its place and wait
 * until it is gone, and a thread of the test does what the file says.
 */
final class ServiceCommands implements AutoCloseable {
    private static final Duration LOOK = Duration.ofMillis(20);

    private final Path wish;
    private final Thread thread;
    private volatile boolean closed;

    /**
     * For as long as this is open nobody else starts or stops the daemon.
     *
     * @param stop stops it
     * @param start starts it, in whatever version
     */
    ServiceCommands(PrivateContainerd node, Runnable stop, Runnable start) {
        wish = node.dir().resolve("wish");
        thread = Thread.ofPlatform().start(() -> {
            while (!closed) {
                String wanted = read();
                if (!wanted.isEmpty()) {
                    (wanted.equals("stop") ? stop : start).run();
                    delete();
                }
                Wait.pause(LOOK);
            }
        });
    }

    String stop() {
        return line("stop");
    }

    String start() {
        return line("start");
    }

    private String line(String what) {
        return "echo %s >%s.part && mv %s.part %s && while [ -e %s ]; do sleep 0.05; done"
                .formatted(what, wish, wish, wish, wish);
    }

    private String read() {
        try {
            return Files.exists(wish) ? Files.readString(wish).strip() : "";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void delete() {
        try {
            Files.delete(wish);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        closed = true;
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }
}
