package dev.jshim.ctl;

import java.util.List;
import java.util.Locale;

/** The signals of Linux on x86-64 and aarch64 (signal(7)). */
final class Signals {
    private static final int MAX = 64;
    private static final List<String> NAMES = List.of(
            "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
            "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
            "WINCH", "IO", "PWR", "SYS");

    private Signals() {}

    /** The number of {@code SIGTERM}, {@code term} or {@code 15}. */
    static int parse(String text) {
        var upper = text.toUpperCase(Locale.ROOT);
        var name = upper.startsWith("SIG") ? upper.substring(3) : upper;
        var index = NAMES.indexOf(name);
        if (index >= 0) {
            return index + 1;
        }
        if (text.matches("\\d{1,2}")) {
            var number = Integer.parseInt(text);
            if (number >= 1 && number <= MAX) {
                return number;
            }
        }
        var similar = Text.similar(name, NAMES);
        throw CliException.usage(
                "unknown signal \"" + Text.oneLine(text) + "\"",
                similar.isEmpty()
                        ? "give a name such as SIGTERM or a number from 1 to " + MAX
                        : "did you mean SIG" + similar.getFirst() + "?");
    }

    /** {@code SIGTERM} for 15; the number where it has no name. */
    static String name(int number) {
        return number <= NAMES.size() ? "SIG" + NAMES.get(number - 1) : Integer.toString(number);
    }
}
