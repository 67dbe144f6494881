package dev.jshim.ctl.cli;

/** What the program exits with; printed in the help of every command. */
public final class ExitCode {
    public static final int OK = 0;
    public static final int FAILED = 1;
    public static final int USAGE = 2;
    public static final int FINDINGS = 3;
    public static final int INTERNAL = 4;

    private ExitCode() {}
}
