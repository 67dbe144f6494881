package dev.jshim.shim.stdio;

import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.FileCalls;
import dev.jshim.shim.task.ShimException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Where a stream of a process goes or comes from, as the client named it (containerd cio/io.go, v2.1.4). */
sealed interface Sink {
    /** A named pipe that a client reads or writes. */
    record Fifo(Path path) implements Sink {}

    /** A file that is appended to, or read from where it is stdin. */
    record File(Path path) implements Sink {}

    /** What a client's name means; null for the empty one. */
    static @Nullable Sink of(String name) {
        if (name.isEmpty()) {
            return null;
        }
        var scheme = name.indexOf("://");
        if (scheme < 0) {
            return ofPath(Path.of(name));
        }
        var rest = Path.of(name.substring(scheme + 3));
        return switch (name.substring(0, scheme)) {
            case "fifo" -> new Fifo(absolute(rest));
            case "file" -> isFifo(absolute(rest)) ? new Fifo(rest) : new File(rest);
            default -> throw ShimException.unimplemented("streams of the form " + name + " are not supported yet");
        };
    }

    private static Path absolute(Path path) {
        if (!path.isAbsolute()) {
            throw ShimException.invalidArgument("stream " + path + " is not an absolute path");
        }
        return path;
    }

    /** A FIFO taken for a file would be opened, or written to, until somebody comes to its other end. */
    private static boolean isFifo(Path path) {
        try {
            return FileCalls.stat(path).isFifo();
        } catch (ErrnoException e) {
            return false; // It is to be made.
        }
    }

    private static Sink ofPath(Path path) {
        try {
            return FileCalls.stat(absolute(path)).isFifo() ? new Fifo(path) : new File(path);
        } catch (ErrnoException e) {
            throw new ShimException(
                    ShimException.Kind.NOT_FOUND, "stream " + path + " cannot be opened: " + e.errno(), e);
        }
    }
}
