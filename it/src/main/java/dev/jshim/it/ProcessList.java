package dev.jshim.it;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What {@code ctr task ps} lists: pid and details, which every version of ctr prints in another way.
 *
 * @param lines without the header
 */
public record ProcessList(List<String> lines) {
    private static final Pattern LINE = Pattern.compile("^(\\d+)\\s.*");

    public ProcessList {
        lines = List.copyOf(lines);
    }

    /** Asks the running daemon. */
    public static ProcessList of(PrivateContainerd node, String id) {
        String output = node.ctr("task", "ps", id).ok().out();
        return new ProcessList(output.lines().skip(1).toList());
    }

    /** All process ids. */
    public List<Long> pids() {
        List<Long> pids = new ArrayList<>();
        for (String line : lines) {
            pids.add(pid(line));
        }
        return pids;
    }

    /**
     * The process of an exec.
     *
     * @throws IllegalStateException if no line names it
     */
    public ProcessFacts exec(String execId) {
        return lineOf(execId)
                .map(line -> ProcessFacts.of(pid(line)))
                .orElseThrow(() -> new IllegalStateException("no exec " + execId + " in " + lines));
    }

    /** Says whether an exec is listed. */
    boolean hasExec(String execId) {
        return lineOf(execId).isPresent();
    }

    private Optional<String> lineOf(String execId) {
        Pattern details = Pattern.compile("(?i).*exec_?id:\"?" + Pattern.quote(execId) + "\\b.*");
        return lines.stream().filter(line -> details.matcher(line).matches()).findFirst();
    }

    private static long pid(String line) {
        Matcher matcher = LINE.matcher(line);
        if (!matcher.matches()) {
            throw new IllegalStateException("not a line of ctr task ps: " + line);
        }
        return Long.parseLong(matcher.group(1));
    }
}
