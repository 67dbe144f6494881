package dev.jshim.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.function.BooleanSupplier;

/** A bridge that comes to harm, as its keeper has it written down. */
record KeptBridge(PrivateContainerd node) {
    private static final Duration SERVES = Duration.ofSeconds(60);
    /**
     * In milliseconds, the keeper's, so that a bridge that is stopped and does not go on is killed within a client's
     * patience: the keeper waits sixty of them.
     */
    static final String SECOND = "300";

    /** Sixty of the keeper's seconds, and what a busy machine takes. */
    private static final Duration HANGS = Duration.ofSeconds(60);
    /** A call over which eight have died fails, and on a busy machine some are taken for hanging. */
    private static final int MOST_SEEN = 4;

    /** How many have died so far. */
    int deaths() {
        return Integer.parseInt(status("restarts"));
    }

    void awaitServing() {
        Wait.until(SERVES, "the bridge serves", () -> status("state").equals("serving"));
    }

    /**
     * Kills it, stops it, or replaces it, after a while, until so many have died; what and when follows from the
     * numbers.
     *
     * @param fault happens to some of those that come after a killed one
     * @param calls of clients: over none of them come so many deaths that it is taken for their cause
     */
    void disturb(int deaths, Random random, NextFault fault, CallTimes calls, BooleanSupplier over) {
        while (deaths() < deaths && !over.getAsBoolean()) {
            calls.harm(MOST_SEEN, over);
            Wait.pause(Duration.ofMillis(200 + random.nextInt(1300)));
            int how = random.nextInt(40);
            int millis = random.nextInt(1500);
            if (how > 7) {
                if (how > 23) {
                    calls.harm(MOST_SEEN, over);
                    fault.allow();
                }
                // Whether it serves by now or not.
                signal(Signal.KILL);
            } else if (how > 4) {
                signal(Signal.STOP);
                Wait.pause(Duration.ofMillis(millis));
                signal(Signal.CONT);
            } else if (how > 3) {
                int before = deaths();
                // The keeper has more patience with one that is only coming up.
                awaitServing();
                signal(Signal.STOP);
                Wait.until(HANGS, "the keeper kills a bridge that does not go on", () -> deaths() > before);
            } else {
                awaitServing();
                // It may die over the answer, by a fault.
                Product.ctl(node, "bridge", "replace");
            }
        }
    }

    /** Kills it, and waits until one of the next has died of the fault: it is one that can happen. */
    void dieOf(NextFault fault, CallTimes calls, BooleanSupplier over) {
        calls.harm(MOST_SEEN, over);
        fault.allow();
        signal(Signal.KILL);
        Wait.until(SERVES, "a bridge dies of " + fault.point(), () -> fault.hasHappened() || over.getAsBoolean());
    }

    /** Kills it. */
    void kill() {
        signal(Signal.KILL);
    }

    private void signal(Signal signal) {
        long pid = Long.parseLong(status("process").split(" ", 2)[0]);
        if (pid > 0) {
            try {
                signal.to(pid);
            } catch (RuntimeException e) {
                // It has died in this very moment.
            }
        }
    }

    /** The keeper's pid. */
    long keeper() {
        return Long.parseLong(status("keeper").split(" ", 2)[0]);
    }

    private String status(String key) {
        Path file = node.state().resolve("jshim/keeper");
        return Wait.forValue(() -> "a line of the keeper's", () -> {
            try {
                return Files.readAllLines(file).stream()
                        .filter(line -> line.startsWith(key + " "))
                        .map(line -> line.substring(key.length() + 1))
                        .findFirst()
                        .orElse(null);
            } catch (IOException e) {
                return null; // It is being replaced.
            }
        });
    }
}
