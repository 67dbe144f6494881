package dev.jshim.it;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * One bounded run of a command, with nothing inherited that a test does not name: stdin is empty unless given, the
 * environment is only what {@link #environment} holds. Used by one thread.
 */
public final class Run {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final Duration DRAIN = Duration.ofSeconds(10);
    private static final Duration LOOK = Duration.ofMillis(50);
    private static final String SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    private final List<String> command;
    private byte[] stdin = new byte[0];
    private BooleanSupplier endOfInput = () -> true;
    private List<Turn> talk = List.of();
    private int echo;
    private int enough;
    private Runnable whenEnough = () -> {};
    private Duration limit = LIMIT;
    private Map<String, String> variables = Map.of();

    private Run(List<String> command) {
        this.command = List.copyOf(command);
    }

    /** A run of a command line. */
    public static Run of(List<String> command) {
        return new Run(command);
    }

    /** The environment of everything that is started here: folders that lead PATH, and little else. */
    static Map<String, String> environment(List<Path> first) {
        StringBuilder path = new StringBuilder();
        first.forEach(folder -> path.append(folder).append(':'));
        return Map.of("PATH", path + SYSTEM_PATH, "HOME", "/root", "LC_ALL", "C");
    }

    /** Gives the command something to read on its standard input. */
    public Run stdin(byte[] bytes) {
        return stdin(bytes, () -> true);
    }

    /** The same, with something that must be true before the end of file, if the command has not ended by then. */
    public Run stdin(byte[] bytes, BooleanSupplier end) {
        stdin = bytes.clone();
        endOfInput = end;
        return this;
    }

    /** Gives the command something that it says again: the end of file comes once as many bytes were heard. */
    public Run echoed(byte[] bytes) {
        echo = bytes.length;
        return stdin(bytes);
    }

    /** Talks with the command, whose standard input ends when it ends itself, and not before. */
    Run talk(List<Turn> turns) {
        talk = List.copyOf(turns);
        endOfInput = () -> false;
        return this;
    }

    /**
     * Does something once that many bytes were written to the standard output, if the command has not ended by then.
     */
    Run whenSaid(int bytes, Runnable action) {
        enough = bytes;
        whenEnough = action;
        return this;
    }

    /** Adds to the environment. */
    public Run variables(Map<String, String> more) {
        variables = Map.copyOf(more);
        return this;
    }

    /** Bounds the run; 60 s unless set. */
    public Run within(Duration duration) {
        limit = duration;
        return this;
    }

    /**
     * Runs the command to its end.
     *
     * @throws IllegalStateException if it does not end in time (it is killed then) or keeps its output open after its
     *     end
     */
    public Outcome run() {
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().clear();
        builder.environment().putAll(environment(List.of()));
        builder.environment().putAll(variables);
        try {
            Process process = builder.start();
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            ByteArrayOutputStream err = new ByteArrayOutputStream();
            Thread outReader = drain(process.getInputStream(), out, "out");
            Thread errReader = drain(process.getErrorStream(), err, "err");
            Thread writer = Thread.ofVirtual().name("run-in").start(() -> feed(process, out, err));
            Thread listener = Thread.ofVirtual().name("run-listen").start(() -> listen(process, out));
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly();
                throw new IllegalStateException("not ended within " + limit.toSeconds() + " s: "
                        + String.join(" ", command) + "\n  out: " + text(out) + "\n  err: " + text(err));
            }
            writer.join(DRAIN);
            listener.join(DRAIN);
            if (!outReader.join(DRAIN) || !errReader.join(DRAIN)) {
                throw new IllegalStateException("ended, but somebody keeps its output open: "
                        + String.join(" ", command) + "\n  out: " + text(out) + "\n  err: " + text(err));
            }
            return new Outcome(command, process.exitValue(), out.toByteArray(), text(err));
        } catch (IOException e) {
            throw new UncheckedIOException(String.join(" ", command), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted: " + String.join(" ", command), e);
        }
    }

    private void feed(Process process, ByteArrayOutputStream out, ByteArrayOutputStream err) {
        try (OutputStream to = process.getOutputStream()) {
            to.write(stdin);
            to.flush();
            for (Turn turn : talk) {
                await(process, () -> (text(out) + text(err)).contains(turn.heard()));
                to.write(turn.typed().getBytes(StandardCharsets.UTF_8));
                to.flush();
            }
            await(process, () -> out.size() >= echo && endOfInput.getAsBoolean());
        } catch (IOException e) {
            // The command did not want all of its input; its exit code says the rest.
        }
    }

    private void listen(Process process, ByteArrayOutputStream said) {
        await(process, () -> said.size() >= enough);
        if (said.size() >= enough) {
            whenEnough.run();
        }
    }

    private static void await(Process process, BooleanSupplier condition) {
        while (process.isAlive() && !condition.getAsBoolean()) {
            Wait.pause(LOOK);
        }
    }

    private static String text(ByteArrayOutputStream bytes) {
        return bytes.toString(StandardCharsets.UTF_8);
    }

    private static Thread drain(InputStream from, ByteArrayOutputStream to, String name) {
        return Thread.ofVirtual().name("run-" + name).start(() -> {
            try (from) {
                from.transferTo(to);
            } catch (IOException e) {
                to.writeBytes(("[" + name + ": " + e + "]").getBytes(StandardCharsets.UTF_8));
            }
        });
    }
}
