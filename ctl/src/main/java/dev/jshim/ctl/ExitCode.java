package dev.jshim.ctl;

/** What the program exits with; printed in the help of every command. */
final class ExitCode {
    static final int OK = 0;
    static final int FAILED = 1;
    static final int USAGE = 2;
    static final int FINDINGS = 3;
    static final int INTERNAL = 4;

    private ExitCode() {}
}
