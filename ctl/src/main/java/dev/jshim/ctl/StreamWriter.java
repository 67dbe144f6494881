package dev.jshim.ctl;

import java.io.OutputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;

/** A writer of text whose bytes can be written as well: what a container's process prints need not be text. */
final class StreamWriter extends PrintWriter {
    private final OutputStream stream;

    StreamWriter(OutputStream stream, boolean autoFlush) {
        super(stream, autoFlush, StandardCharsets.UTF_8);
        this.stream = stream;
    }

    /** The stream below; flush this writer first. */
    OutputStream stream() {
        return stream;
    }
}
