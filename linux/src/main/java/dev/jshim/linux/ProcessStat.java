package dev.jshim.linux;

/**
 * The part of /proc/PID/stat that identifies a process, see proc(5).
 *
 * @param command at most 15 bytes, may hold spaces and parentheses
 * @param state R, S, D, Z (zombie), T, ...
 * @param startTime clock ticks after boot
 */
public record ProcessStat(
        int pid, String command, char state, int parent, int processGroup, int session, long startTime) {
    private static final int START_TIME = 22 - 3;

    /**
     * Parses the line. The command ends at the last ')': it may contain that character itself.
     *
     * @throws IllegalArgumentException for anything else
     */
    public static ProcessStat parse(String line) {
        int open = line.indexOf('(');
        int close = line.lastIndexOf(')');
        if (open < 2 || close < open || close + 2 >= line.length()) {
            throw new IllegalArgumentException("not a stat line: " + line);
        }
        String[] fields = line.substring(close + 2).trim().split(" ", START_TIME + 2);
        if (fields.length <= START_TIME) {
            throw new IllegalArgumentException("short stat line: " + line);
        }
        return new ProcessStat(
                Integer.parseInt(line.substring(0, open - 1)),
                line.substring(open + 1, close),
                fields[0].charAt(0),
                Integer.parseInt(fields[1]),
                Integer.parseInt(fields[2]),
                Integer.parseInt(fields[3]),
                Long.parseLong(fields[START_TIME]));
    }

    /** Dead, but not yet waited for. */
    public boolean isZombie() {
        return state == 'Z';
    }
}
