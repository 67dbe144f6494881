package dev.jshim.it;

import java.util.List;

/**
 * A container that writes 1, 2, 3, .. to its standard output, some twenty a second, and ends with code 42 on SIGTERM.
 * What it wrote shows whether it, and the way to its reader, ran on all the time.
 *
 * @param streams its streams
 */
public record Counter(Streams streams) {
    private static final String SCRIPT = "trap 'exit 42' TERM; i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done";

    /** What it runs. */
    public static String[] argv() {
        return new String[] {"/bin/sh", "-c", SCRIPT};
    }

    /** Starts one. */
    public static Counter start(PrivateContainerd node, String runtime, String id) {
        Counter counter = new Counter(Streams.start(node, runtime, id, argv()));
        Wait.until("the counter counts", () -> counter.count() > 2);
        return counter;
    }

    /** How many numbers were read so far. */
    public int count() {
        return streams.lines().size();
    }

    /**
     * Waits until it has written something more.
     *
     * @throws IllegalStateException if it does not
     */
    public void awaitProgress() {
        int before = count();
        Wait.until("the counter goes on after " + before + " numbers", () -> count() > before + 2);
    }

    /**
     * The last number, if every number before it was read exactly once, from the first one read on.
     *
     * @throws IllegalStateException that names the gap, if there is one
     */
    public long gapless() {
        List<String> lines = streams.lines();
        for (int i = 1; i < lines.size(); i++) {
            if (Long.parseLong(lines.get(i)) != Long.parseLong(lines.get(i - 1)) + 1) {
                throw new IllegalStateException("a gap: " + lines.get(i - 1) + " and then " + lines.get(i));
            }
        }
        return Long.parseLong(lines.getLast());
    }
}
