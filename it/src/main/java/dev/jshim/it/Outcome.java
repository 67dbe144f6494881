package dev.jshim.it;

import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * What a command left behind when it ended.
 *
 * <p>Two outcomes are never compared, so that the array does no harm.
 *
 * @param command the command line
 * @param code its exit code
 * @param output the bytes of its standard output
 * @param err its standard error
 */
@SuppressWarnings("ArrayRecordComponent")
public record Outcome(List<String> command, int code, byte[] output, String err) {

    /** The standard output as text, without the line end at its end. */
    public String out() {
        return new String(output, StandardCharsets.UTF_8).stripTrailing();
    }

    /**
     * This outcome, if the command succeeded.
     *
     * @throws IllegalStateException with all that the command said, if its exit code is not 0
     */
    public Outcome ok() {
        return expect(0);
    }

    /**
     * This outcome, if the command ended with that code.
     *
     * @throws IllegalStateException with all that the command said, if it ended otherwise
     */
    public Outcome expect(int expected) {
        if (code != expected) {
            throw new IllegalStateException("exit code " + code + " instead of " + expected + ": " + this);
        }
        return this;
    }

    @Override
    public String toString() {
        String out = out();
        String shown = out.length() > 2000 ? out.substring(0, 2000) + " [..]" : out;
        return String.join(" ", command) + "\n  exit code " + code + "\n  out: " + shown + "\n  err: "
                + err.stripTrailing();
    }
}
