package dev.jshim.shim;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * The command line as containerd writes it: Go's flags, with one dash or two, {@code -name value} or
 * {@code -name=value}, and then the command (pkg/shim/shim.go parseFlags, v2.1.4).
 *
 * @param command {@code start}, {@code delete}, {@code serve}, or empty
 * @param address containerd's own socket, empty if it was not given
 * @param bundle null if it was not given
 */
public record Flags(
        String command,
        String namespace,
        String id,
        String address,
        String publishBinary,
        @Nullable Path bundle,
        boolean debug,
        boolean version,
        boolean info) {

    /** Thrown for a command line that cannot be understood; the message says why. */
    public static final class UsageException extends Exception {
        @java.io.Serial
        private static final long serialVersionUID = 1L;

        UsageException(String message) {
            super(message);
        }
    }

    public static Flags parse(String... args) throws UsageException {
        var rest = new ArrayDeque<>(Arrays.asList(args));
        var namespace = "";
        var id = "";
        var address = "";
        var publishBinary = "";
        Path bundle = null;
        var debug = false;
        var version = false;
        var info = false;
        while (!rest.isEmpty() && rest.getFirst().startsWith("-")) {
            var flag = rest.removeFirst();
            var equals = flag.indexOf('=');
            var name = (equals < 0 ? flag : flag.substring(0, equals)).replaceFirst("^--?", "");
            var inline = equals < 0 ? null : flag.substring(equals + 1);
            switch (name) {
                case "namespace" -> namespace = value(name, inline, rest);
                case "id" -> id = value(name, inline, rest);
                case "address" -> address = value(name, inline, rest);
                case "publish-binary" -> publishBinary = value(name, inline, rest);
                case "bundle" -> bundle = Path.of(value(name, inline, rest));
                case "socket", "debug-socket" -> value(name, inline, rest);
                case "debug" -> debug = isTrue(inline);
                case "v", "version" -> version = isTrue(inline);
                case "info" -> info = isTrue(inline);
                default -> throw new UsageException("unknown flag -" + name);
            }
        }
        var command = rest.isEmpty() ? "" : rest.removeFirst();
        if (!rest.isEmpty()) {
            throw new UsageException("argument " + rest.getFirst() + " after the command " + command);
        }
        return new Flags(command, namespace, id, address, publishBinary, bundle, debug, version, info);
    }

    private static boolean isTrue(@Nullable String inline) throws UsageException {
        return switch (inline) {
            case null -> true;
            case "1", "t", "T", "true", "TRUE", "True" -> true;
            case "0", "f", "F", "false", "FALSE", "False" -> false;
            default -> throw new UsageException("\"" + inline + "\" is neither true nor false");
        };
    }

    private static String value(String name, @Nullable String inline, Deque<String> rest) throws UsageException {
        if (inline != null) {
            return inline;
        }
        if (rest.isEmpty()) {
            throw new UsageException("flag -" + name + " needs a value");
        }
        return rest.removeFirst();
    }
}
