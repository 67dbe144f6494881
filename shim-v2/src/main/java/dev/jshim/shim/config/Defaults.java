package dev.jshim.shim.config;

import dev.jshim.task.ShimException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The node's own configuration: what holds if a container's options say nothing. */
final class Defaults {
    /** For tests: another path than the one below. */
    private static final String PATH_PROPERTY = "jshim.config";

    private static final String PATH = "/etc/jshim/config.toml";

    private Defaults() {}

    /**
     * Reads the file again, so that a long-lived shim follows changes. A missing file costs one stat.
     *
     * @throws ShimException INVALID_ARGUMENT with file, line and key
     */
    static Settings read() {
        var path = Path.of(System.getProperty(PATH_PROPERTY, PATH));
        return Files.exists(path) ? readFile(path) : Settings.NONE;
    }

    /** Reads a file that must be there. */
    static Settings readFile(Path path) {
        try {
            var text = Files.readString(path);
            return saysNothing(text) ? Settings.NONE : ConfigText.parse(path.toString(), text);
        } catch (IOException e) {
            throw new ShimException(ShimException.Kind.INVALID_ARGUMENT, path + ": cannot be read: " + reason(e), e);
        }
    }

    /** As the file of the package does: it costs no start the loading of a parser. */
    private static boolean saysNothing(String text) {
        return text.lines().map(String::strip).allMatch(line -> line.isEmpty() || line.startsWith("#"));
    }

    private static String reason(IOException e) {
        return e instanceof java.nio.file.NoSuchFileException ? "no such file" : e.toString();
    }
}
