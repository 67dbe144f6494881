package dev.jshim.node;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads the small files of a bundle. What is odd about one goes to a list of problems; a FIFO or a device in the place
 * of a file is never opened, since that could wait for ever.
 */
final class SmallFile {
    private static final int MAX_BYTES = 8192;

    private SmallFile() {}

    /** The text without blanks around it; null where there is no such file or it cannot be read. */
    static @Nullable String text(Path file, List<String> problems) {
        try {
            var bytes = bytes(file, MAX_BYTES);
            return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8).strip();
        } catch (IOException e) {
            problems.add(e.getMessage() == null ? file + " cannot be read" : e.getMessage());
            return null;
        }
    }

    /** A process id; 0 where there is none. */
    static int pid(Path file, List<String> problems) {
        var text = text(file, problems);
        if (text == null) {
            return 0;
        }
        try {
            var pid = Integer.parseInt(text);
            if (pid > 0) {
                return pid;
            }
        } catch (NumberFormatException e) {
            // said below, as for a number that is no pid
        }
        problems.add(name(file) + " holds no pid: \"" + Printable.of(text) + "\"");
        return 0;
    }

    /**
     * All of a regular file; null where it does not exist.
     *
     * @throws IOException with a message for people, where it is no regular file, too long or not readable
     */
    static byte @Nullable [] bytes(Path file, int max) throws IOException {
        if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            return null;
        }
        if (!Files.isRegularFile(file)) {
            throw new IOException(name(file) + " is not a regular file");
        }
        byte[] bytes;
        try (var in = Files.newInputStream(file)) {
            bytes = in.readNBytes(max + 1);
        } catch (NoSuchFileException e) {
            return null;
        } catch (IOException e) {
            throw new IOException(name(file) + " cannot be read: " + e, e);
        }
        if (bytes.length > max) {
            throw new IOException(name(file) + " is longer than " + max + " bytes");
        }
        return bytes;
    }

    private static String name(Path file) {
        return String.valueOf(file.getFileName());
    }
}
