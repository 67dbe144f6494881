package dev.jshim.it;

import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/** What comes out of a FIFO, read for as long as somebody writes to it. Safe for use by several threads. */
final class Lines implements AutoCloseable {
    private final ByteArrayOutputStream said = new ByteArrayOutputStream();

    private Lines() {}

    /** Opens a FIFO that has a writer, and reads it. */
    static Lines of(Path fifo) throws IOException {
        Lines lines = new Lines();
        InputStream in = new FileInputStream(fifo.toFile());
        Thread.ofPlatform().daemon().name("fifo").start(() -> lines.read(in));
        return lines;
    }

    private void read(InputStream in) {
        try (in) {
            in.transferTo(said);
        } catch (IOException e) {
            // Closed by the test.
        }
    }

    /** Says that there are whole lines 1, 2, 3, .. and nothing else. */
    void gapless() {
        gapless(said.toString(StandardCharsets.UTF_8));
    }

    /** The same of a text, whose last line may not be whole. */
    static void gapless(String text) {
        List<String> lines = text.substring(0, text.lastIndexOf('\n') + 1)
                .lines()
                .map(String::strip)
                .toList();
        for (int i = 0; i < lines.size(); i++) {
            if (!lines.get(i).equals(Integer.toString(i + 1))) {
                throw new IllegalStateException("line " + (i + 1) + " is \"" + lines.get(i) + "\", after \""
                        + (i == 0 ? "" : lines.get(i - 1)) + "\"");
            }
        }
        if (lines.size() < 2) {
            throw new IllegalStateException("hardly anything came: \"" + text + "\"");
        }
    }

    /** The reader ends with the last writer; a close would wait for its read. */
    @Override
    public void close() {}
}
