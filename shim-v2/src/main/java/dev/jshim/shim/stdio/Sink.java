package dev.jshim.shim.stdio;

import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.FileCalls;
import dev.jshim.task.ShimException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Where a stream of a process goes or comes from, as the client named it (containerd cio/io.go, v2.1.4). */
sealed interface Sink {
    /** A named pipe that a client reads or writes. */
    record Fifo(Path path) implements Sink {}

    /** A file that is appended to, or read from if it is stdin. */
    record File(Path path) implements Sink {}

    /**
     * A program that takes stdout and stderr together.
     *
     * @param mustReport whether it has to say that it is ready; one that need not is ready when it closes the
     *     descriptor on which it would say so
     */
    record Binary(Path program, List<String> arguments, boolean mustReport) implements Sink {
        public Binary {
            arguments = List.copyOf(arguments);
        }
    }

    /** What a client's name means; null for the empty one. */
    static @Nullable Sink of(String name) {
        if (name.isEmpty()) {
            return null;
        }
        var scheme = name.indexOf("://");
        if (scheme < 0) {
            return ofPath(Path.of(name));
        }
        var rest = name.substring(scheme + 3);
        return switch (name.substring(0, scheme)) {
            case "fifo" -> new Fifo(absolute(Path.of(rest)));
            case "file" -> ofFile(absolute(Path.of(rest)));
            case "binary" -> binary(name, rest, false);
            case "binary-v2" -> binary(name, rest, true);
            default -> throw ShimException.unimplemented("streams of the form " + name + " are not supported");
        };
    }

    private static Path absolute(Path path) {
        if (!path.isAbsolute()) {
            throw ShimException.invalidArgument("stream " + path + " is not an absolute path");
        }
        return path;
    }

    /** A FIFO taken for a file would be opened, or written to, until somebody comes to its other end. */
    private static Sink ofFile(Path path) {
        try {
            return FileCalls.stat(path).isFifo() ? new Fifo(path) : new File(path);
        } catch (ErrnoException e) {
            return new File(path); // It is to be made.
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

    /**
     * The query's keys and values become the arguments, each key once with its first value, as in containerd's
     * NewBinaryCmd (process/io_util.go, v2.1.9): in the order in which they stand, where Go has none.
     */
    private static Sink binary(String name, String rest, boolean mustReport) {
        var query = rest.indexOf('?');
        var path = query < 0 ? rest : rest.substring(0, query);
        try {
            // A '+' stands for a blank in a query only.
            var program = absolute(Path.of(decoded(path.replace("+", "%2B"))));
            return new Binary(program, arguments(query < 0 ? "" : rest.substring(query + 1)), mustReport);
        } catch (IllegalArgumentException e) {
            throw new ShimException(
                    ShimException.Kind.INVALID_ARGUMENT, "logger " + name + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static List<String> arguments(String query) {
        Map<String, String> values = new LinkedHashMap<>();
        for (var pair : query.split("&", -1)) {
            if (!pair.isEmpty()) {
                var equals = pair.indexOf('=');
                var key = decoded(equals < 0 ? pair : pair.substring(0, equals));
                values.putIfAbsent(key, equals < 0 ? "" : decoded(pair.substring(equals + 1)));
            }
        }
        List<String> arguments = new ArrayList<>();
        values.forEach((key, value) -> arguments.addAll(List.of(key, value)));
        return arguments;
    }

    private static String decoded(String text) {
        return URLDecoder.decode(text, StandardCharsets.UTF_8);
    }
}
