package dev.jshim.it;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A report for people: a line for each check, and a verdict. For one thread. */
final class Checks {
    private static final int WIDTH = 62;
    private static final int TAIL = 15;

    private final PrintStream out;
    private int held;
    private int failed;

    Checks(PrintStream out) {
        this.out = out;
    }

    /** Something that holds or throws; it may say what it has seen. */
    interface Check {
        String run() throws Exception;
    }

    /** The report cannot go on without this. */
    static final class Broken extends Exception {
        private static final long serialVersionUID = 1L;

        Broken(String message) {
            super(message);
        }
    }

    void title(String text) {
        out.println();
        out.println(text);
    }

    /** Prints what somebody else said, indented. */
    void quote(String text) {
        text.lines().forEach(line -> out.println("         " + line));
    }

    /** Prints the end of a log, if there is one. */
    void tail(String what, Path file) {
        if (Files.isReadable(file)) {
            try {
                List<String> lines = Files.readAllLines(file);
                out.println("  " + what + " ends with:");
                lines.subList(Math.max(0, lines.size() - TAIL), lines.size()).forEach(this::quote);
            } catch (IOException e) {
                out.println("  " + what + ": " + e);
            }
        }
    }

    /** Checks one thing and goes on either way. */
    boolean that(String what, Check check) {
        try {
            String seen = check.run();
            held++;
            out.println("  ok    " + padded(what, seen) + seen);
            return true;
        } catch (Exception e) {
            failed++;
            out.println("  FAIL  " + what);
            quote(e.getMessage() == null ? e.toString() : e.getMessage());
            return false;
        }
    }

    /**
     * Checks one thing that all later ones stand on.
     *
     * @throws Broken if it does not hold
     */
    void must(String what, Check check) throws Broken {
        if (!that(what, check)) {
            throw new Broken("not shown, because this failed: " + what);
        }
    }

    /** Prints the verdict and says whether all held. */
    boolean verdict() {
        out.println();
        out.println(
                failed == 0 ? "All " + held + " checks held." : failed + " of " + (held + failed) + " checks FAILED.");
        return failed == 0;
    }

    private static String padded(String what, String seen) {
        return seen.isEmpty() ? what : what + " ".repeat(Math.max(2, WIDTH - what.length()));
    }
}
