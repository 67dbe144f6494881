package dev.jshim.ctl.task;

import dev.jshim.ctl.cli.CliException;
import dev.jshim.ctl.output.Text;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The signals of Linux on x86-64 and aarch64 (signal(7)), by the names that ctr takes (moby/sys v0.6, signal): with and
 * without {@code SIG}, in any case, the real-time ones from either end.
 */
public final class Signals {
    private static final int MAX = 64;
    private static final List<String> NAMES = List.of(
            "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
            "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
            "WINCH", "IO", "PWR", "SYS");
    private static final Map<String, String> ALIASES = Map.of("IOT", "ABRT", "POLL", "IO", "CLD", "CHLD");

    /** SIGRTMIN as the C library has it, which keeps 32 and 33 for itself. */
    private static final int FIRST_REAL_TIME = 34;

    private static final int FROM_FIRST = 15;
    private static final int FROM_LAST = 14;
    private static final Pattern REAL_TIME = Pattern.compile("RTMIN(?:\\+([1-9]\\d?))?|RTMAX(?:-([1-9]\\d?))?");

    private Signals() {}

    /** The number of {@code SIGTERM}, {@code term}, {@code 15} or {@code RTMIN+3}. */
    static int parse(String text) {
        var upper = text.toUpperCase(Locale.ROOT);
        var name = upper.startsWith("SIG") ? upper.substring(3) : upper;
        var index = NAMES.indexOf(ALIASES.getOrDefault(name, name));
        if (index >= 0) {
            return index + 1;
        }
        var realTime = realTime(name);
        if (realTime > 0) {
            return realTime;
        }
        if (text.matches("\\d{1,2}")) {
            var number = Integer.parseInt(text);
            if (number >= 1 && number <= MAX) {
                return number;
            }
        }
        throw unknown(text, name);
    }

    /** 0 for what is none. */
    private static int realTime(String name) {
        var match = REAL_TIME.matcher(name);
        if (!match.matches()) {
            return 0;
        }
        if (name.startsWith("RTMIN")) {
            var up = match.group(1) == null ? 0 : Integer.parseInt(match.group(1));
            return up > FROM_FIRST ? 0 : FIRST_REAL_TIME + up;
        }
        var down = match.group(2) == null ? 0 : Integer.parseInt(match.group(2));
        return down > FROM_LAST ? 0 : MAX - down;
    }

    private static CliException unknown(String text, String name) {
        var what = "unknown signal \"" + Text.oneLine(text) + "\"";
        if (name.startsWith("RT")) {
            return CliException.usage(
                    what,
                    "those for real time are SIGRTMIN to SIGRTMIN+" + FROM_FIRST + " and SIGRTMAX-" + FROM_LAST
                            + " to SIGRTMAX");
        }
        var similar = Text.similar(name, NAMES);
        return CliException.usage(
                what,
                similar.isEmpty()
                        ? "give a name such as SIGTERM or a number from 1 to " + MAX
                        : "did you mean SIG" + similar.getFirst() + "?");
    }

    /** {@code SIGTERM} for 15; the number if it has no name. */
    public static String name(int number) {
        if (number <= NAMES.size()) {
            return "SIG" + NAMES.get(number - 1);
        }
        if (number < FIRST_REAL_TIME) {
            return Integer.toString(number);
        }
        var up = number - FIRST_REAL_TIME;
        var down = MAX - number;
        return up <= FROM_FIRST ? "SIGRTMIN" + (up == 0 ? "" : "+" + up) : "SIGRTMAX" + (down == 0 ? "" : "-" + down);
    }
}
