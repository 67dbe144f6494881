package dev.jshim.shim.cgroup;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Reads the kernel's accounting files through one small buffer. Not thread-safe: one for each reading of the metrics.
 *
 * <p>A file that is absent is {@link java.nio.file.NoSuchFileException}; one that is not understood is an
 * {@link IOException} that names the file and quotes the line.
 */
final class StatFiles {
    private static final int MAX_BYTES = 1 << 22;

    private ByteBuffer buffer = ByteBuffer.allocate(4096);

    /** Takes what one {@code key value} line says. */
    interface KeyValue {
        void accept(String key, long value);
    }

    /** The whole file. Kernel files have no size to ask for, so it is read up to its end. */
    String text(Path file) throws IOException {
        buffer.clear();
        try (var channel = Files.newByteChannel(file)) {
            while (channel.read(buffer) >= 0) {
                if (!buffer.hasRemaining()) {
                    grow(file);
                }
            }
        }
        return new String(buffer.array(), 0, buffer.position(), StandardCharsets.UTF_8);
    }

    List<String> fields(Path file) throws IOException {
        return Lines.fields(text(file), " \t\n");
    }

    /** Each line of a flat keyed file. Numbers are unsigned 64-bit; a negative one counts as 0, as for containerd. */
    void keyValues(Path file, KeyValue sink) throws IOException {
        for (var line : new Lines(text(file))) {
            var fields = Lines.fields(line, " \t");
            if (fields.size() != 2) {
                throw malformed(file, line);
            }
            sink.accept(fields.getFirst(), clamped(fields.getLast(), file, line));
        }
    }

    /** The single number of a file, or what the caller says that {@code max} stands for. */
    long number(Path file, long max) throws IOException {
        var text = text(file).strip();
        return text.equals("max") ? max : clamped(text, file, text);
    }

    /** An unsigned 64-bit number. */
    static long unsigned(String digits, Path file, String line) throws IOException {
        try {
            return Long.parseUnsignedLong(digits);
        } catch (NumberFormatException e) {
            throw malformed(file, line);
        }
    }

    static IOException malformed(Path file, String line) {
        return new IOException(file + " has a line with an unknown format: \"" + line + "\"");
    }

    private static long clamped(String number, Path file, String line) throws IOException {
        return isNegative(number) ? 0 : unsigned(number, file, line);
    }

    private static boolean isNegative(String number) {
        for (var i = 1; i < number.length(); i++) {
            if (number.charAt(i) < '0' || number.charAt(i) > '9') {
                return false;
            }
        }
        return number.length() > 1 && number.charAt(0) == '-';
    }

    private void grow(Path file) throws IOException {
        if (buffer.capacity() >= MAX_BYTES) {
            throw new IOException(file + " is longer than " + MAX_BYTES + " bytes");
        }
        buffer = ByteBuffer.allocate(buffer.capacity() * 4).put(buffer.flip());
    }
}
