package dev.jshim.ctl;

/** A command cannot do what it was asked: one line for a person, and what to do about it. */
final class CliException extends RuntimeException {
    private final int exitCode;
    private final String hint;

    private CliException(int exitCode, String message, String hint) {
        super(message);
        this.exitCode = exitCode;
        this.hint = hint;
    }

    /** Asked well, but it did not work. */
    static CliException failed(String message, String hint) {
        return new CliException(ExitCode.FAILED, message, hint);
    }

    /** Asked in a way that cannot be done. */
    static CliException usage(String message, String hint) {
        return new CliException(ExitCode.USAGE, message, hint);
    }

    int exitCode() {
        return exitCode;
    }

    /** What to do; empty where there is nothing to say. */
    String hint() {
        return hint;
    }

    String text() {
        return String.valueOf(getMessage());
    }
}
