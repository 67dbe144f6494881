package dev.jshim.linux;

/** The two ends of pipe(2), both closed on exec. */
public record Pipe(Fd readEnd, Fd writeEnd) implements AutoCloseable {
    /** Closes both ends. */
    @Override
    public void close() {
        readEnd.close();
        writeEnd.close();
    }
}
