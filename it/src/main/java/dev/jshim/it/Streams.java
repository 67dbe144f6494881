package dev.jshim.it;

import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * The client's ends of a task's FIFOs, held by the test itself, so that they outlive every daemon and every ctr. Safe
 * for use by several threads.
 *
 * <p>ctr has no way to hand over the ends it holds: so it starts the task in the foreground, the test opens the same
 * FIFOs, and ctr is killed. stdin never sees an end of file that way, and of stdout ctr has read no more than the
 * beginning.
 */
public final class Streams implements AutoCloseable {
    /** On a busy machine. */
    private static final Duration START = Duration.ofSeconds(30);

    private final InputStream stdout;
    private final OutputStream stdin;
    private final ByteArrayOutputStream said = new ByteArrayOutputStream();
    private final Thread reader;

    private Streams(InputStream stdout, OutputStream stdin) {
        this.stdout = stdout;
        this.stdin = stdin;
        // A read of a FIFO blocks its thread for as long as the container is silent.
        reader = Thread.ofPlatform().daemon().name("fifo-stdout").start(this::read);
    }

    /** Starts a container and takes its streams over. */
    public static Streams start(PrivateContainerd node, String runtime, String id, String... argv) {
        return start(node, runtime, List.of(), id, argv);
    }

    /** The same with flags of {@code ctr run}. */
    static Streams start(PrivateContainerd node, String runtime, List<String> flags, String id, String... argv) {
        List<String> args = node.runArgs(runtime, flags, id, argv);
        Path fifos = Path.of(args.get(args.indexOf("--fifo-dir") + 1));
        ProcessBuilder builder = new ProcessBuilder(node.command(node.namespace(), args.toArray(String[]::new)));
        builder.environment().clear();
        builder.environment().putAll(Run.environment(List.of()));
        builder.redirectErrorStream(true)
                .redirectOutput(node.dir().resolve("ctr-" + id).toFile());
        try {
            Process ctr = builder.start();
            try {
                Wait.until(START, "task " + id + " runs", () -> {
                    if (!ctr.isAlive()) {
                        throw new IllegalStateException("ctr run ended: " + said(node, id));
                    }
                    return Tasks.of(node).isRunning(id);
                });
                Path in = fifo(fifos, id + "-stdin");
                Path out = fifo(fifos, id + "-stdout");
                OutputStream stdin = new FileOutputStream(in.toFile());
                InputStream stdout = new FileInputStream(out.toFile());
                end(ctr);
                return node.attach(new Streams(stdout, stdin));
            } finally {
                end(ctr);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String said(PrivateContainerd node, String id) {
        try {
            return Files.readString(node.dir().resolve("ctr-" + id));
        } catch (IOException e) {
            return e.toString();
        }
    }

    private static void end(Process ctr) {
        ctr.destroyForcibly();
        try {
            if (!ctr.waitFor(10, TimeUnit.SECONDS)) {
                throw new IllegalStateException("ctr did not die");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    private static Path fifo(Path folder, String name) throws IOException {
        try (Stream<Path> found = Files.walk(folder)) {
            return found.filter(path -> path.endsWith(name))
                    .findFirst()
                    .orElseThrow(() -> new IllegalStateException("no FIFO " + name + " in " + folder));
        }
    }

    private void read() {
        try (stdout) {
            stdout.transferTo(said);
        } catch (IOException e) {
            // Closed by the test.
        }
    }

    /** What the container has written so far, since its streams were taken over. */
    byte[] bytes() {
        return said.toByteArray();
    }

    /** The same, as whole lines. */
    public List<String> lines() {
        String text = said.toString(StandardCharsets.UTF_8);
        return text.substring(0, text.lastIndexOf('\n') + 1).lines().toList();
    }

    /** Says whether the writing side has ended: every writer of the FIFO is gone. */
    public boolean ended() {
        return !reader.isAlive();
    }

    /** Writes a line to the container's standard input. */
    public void write(String line) {
        try {
            stdin.write((line + "\n").getBytes(StandardCharsets.UTF_8));
            stdin.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        try {
            stdin.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        // The reader ends with the last writer; a close would wait for its read.
    }
}
