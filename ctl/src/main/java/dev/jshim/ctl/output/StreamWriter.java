package dev.jshim.ctl.output;

import java.io.OutputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;

/** A writer of text whose bytes can be written as well: what a container's process prints need not be text. */
public final class StreamWriter extends PrintWriter {
    private final OutputStream stream;

    public StreamWriter(OutputStream stream, boolean autoFlush) {
        super(stream, autoFlush, StandardCharsets.UTF_8);
        this.stream = stream;
    }

    /** The stream below; flush this writer first. */
    public OutputStream stream() {
        return stream;
    }
}
