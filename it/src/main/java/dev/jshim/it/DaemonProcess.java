package dev.jshim.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The process of a test's own daemon, one after the other, in this version or that, and the log of all of them. Used by
 * one thread.
 */
final class DaemonProcess {
    private static final Duration START = Duration.ofSeconds(60);

    private final Path log;
    private final Duration patience;
    private final boolean hasChildren;
    private String name = "the daemon";
    private @Nullable ProcessHandle process;

    /**
     * None yet.
     *
     * @param patience how long its end may take
     * @param hasChildren whether its children end with it, and are waited for too
     */
    DaemonProcess(Path log, Duration patience, boolean hasChildren) {
        this.log = log;
        this.patience = patience;
        this.hasChildren = hasChildren;
    }

    /**
     * Starts one and waits until it answers.
     *
     * @param name with its version
     * @throws IllegalStateException if one runs, or this one ends by itself or does not answer
     */
    void start(String name, ProcessBuilder builder, BooleanSupplier answers) throws IOException {
        if (process != null) {
            throw new IllegalStateException(this.name + " runs already");
        }
        builder.redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
        Files.writeString(log, "==== " + name + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        takeOver(name, builder.start().toHandle(), answers);
    }

    /** The same with one that somebody else has started. */
    void takeOver(String name, ProcessHandle daemon, BooleanSupplier answers) {
        this.name = name;
        process = daemon;
        Wait.until(START, name + " answers; its log:\n" + log, () -> {
            if (!daemon.isAlive()) {
                throw new IllegalStateException(name + " ended by itself:\n" + logText());
            }
            return answers.getAsBoolean();
        });
    }

    boolean runs() {
        return process != null;
    }

    /** @throws IllegalStateException if none runs */
    long pid() {
        ProcessHandle daemon = process;
        if (daemon == null) {
            throw new IllegalStateException(name + " does not run");
        }
        return daemon.pid();
    }

    /**
     * Ends it; nothing happens if none runs.
     *
     * @param forcibly by SIGKILL, else by SIGTERM
     */
    void end(boolean forcibly) {
        ProcessHandle daemon = process;
        if (daemon == null) {
            return;
        }
        process = null;
        List<ProcessHandle> all = hasChildren
                ? Stream.concat(Stream.of(daemon), daemon.children()).toList()
                : List.of(daemon);
        if (forcibly) {
            daemon.destroyForcibly();
        } else {
            daemon.destroy();
        }
        if (!Wait.within(patience, () -> all.stream().noneMatch(ProcessHandle::isAlive))) {
            daemon.destroyForcibly();
            throw new IllegalStateException(name + " did not stop within " + patience.toSeconds() + " s");
        }
    }

    /** What the daemons have logged so far. */
    String logText() {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
