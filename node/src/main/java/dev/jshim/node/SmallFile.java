package dev.jshim.node;

import dev.jshim.linux.Processes;
import dev.jshim.task.Printable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads small files, such as those of a bundle. What is odd about one goes to a list of problems; a FIFO or a device in
 * the place of a file is never opened, since that could wait forever, and none is read further than it may be long.
 */
public final class SmallFile {
    private static final int MAX_BYTES = 8192;

    private SmallFile() {}

    /** The text without blanks around it; null if there is no such file or it cannot be read. */
    public static @Nullable String text(Path file, List<String> problems) {
        try {
            var bytes = bytes(file, MAX_BYTES);
            return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8).strip();
        } catch (IOException e) {
            problems.add(String.valueOf(e.getMessage()));
            return null;
        }
    }

    /** A process id; 0 if there is none. */
    public static int pid(Path file, List<String> problems) {
        var text = text(file, problems);
        if (text == null) {
            return 0;
        }
        var pid = Processes.parsePid(text);
        if (pid > 0) {
            return pid;
        }
        problems.add(name(file) + " does not contain a pid: \"" + Printable.of(text) + "\"");
        return 0;
    }

    /**
     * All of a regular file; null if it does not exist.
     *
     * @param max bytes that it may have
     * @throws IOException with a message for people, if it is no regular file, too long or not readable
     */
    public static byte @Nullable [] bytes(Path file, int max) throws IOException {
        try {
            if (!Files.readAttributes(file, BasicFileAttributes.class).isRegularFile()) {
                throw new IOException(name(file) + " is not a regular file");
            }
            return bounded(file, max);
        } catch (NoSuchFileException e) {
            if (Files.isSymbolicLink(file)) {
                throw new IOException(name(file) + " is a link to nowhere", e);
            }
            return null;
        } catch (FileSystemException e) {
            // Not null: what cannot be read now may be there all the same.
            throw new IOException(name(file) + " cannot be read: " + Printable.of(e.toString()), e);
        }
    }

    private static byte[] bounded(Path file, int max) throws IOException {
        byte[] bytes;
        try (var in = Files.newInputStream(file)) {
            bytes = in.readNBytes(max + 1);
        }
        if (bytes.length > max) {
            throw new IOException(name(file) + " is longer than " + max + " bytes");
        }
        return bytes;
    }

    private static String name(Path file) {
        return Printable.of(String.valueOf(file.getFileName() == null ? file : file.getFileName()));
    }
}
