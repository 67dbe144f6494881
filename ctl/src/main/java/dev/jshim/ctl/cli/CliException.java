package dev.jshim.ctl.cli;

import java.io.IOException;

/** A command cannot do what it was asked: one line for a person, and what to do about it. */
public final class CliException extends RuntimeException {
    private final int exitCode;
    private final String hint;

    private CliException(int exitCode, String message, String hint) {
        super(message);
        this.exitCode = exitCode;
        this.hint = hint;
    }

    /** Asked well, but it did not work. */
    public static CliException failed(String message, String hint) {
        return new CliException(ExitCode.FAILED, message, hint);
    }

    /** What to say where something could not be done; the message is made for people. */
    public static CliException failed(IOException e) {
        var failure = failed(String.valueOf(e.getMessage()), "");
        failure.initCause(e);
        return failure;
    }

    /** Asked in a way that cannot be done. */
    public static CliException usage(String message, String hint) {
        return new CliException(ExitCode.USAGE, message, hint);
    }

    public int exitCode() {
        return exitCode;
    }

    /** What to do; empty where there is nothing to say. */
    public String hint() {
        return hint;
    }

    public String text() {
        return String.valueOf(getMessage());
    }
}
