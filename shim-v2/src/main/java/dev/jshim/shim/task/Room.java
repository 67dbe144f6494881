package dev.jshim.shim.task;

import com.google.protobuf.Any;
import dev.jshim.task.ShimException;
import dev.jshim.task.Stdio;

/**
 * How much of something a shim keeps for its clients, so that its heap holds it whatever they do. Thread-safe.
 *
 * <p>With what is bounded here one container costs 48 KiB of heap at most, and one exec 16 KiB; 8 and 3 are usual. What
 * is on its way between shim and client is bounded by the transport (ttrpc's PROTOCOL.md).
 */
public final class Room {
    /** How many containers, and how many execs, this process' heap holds: both together take half of it at most. */
    public static final int PLACES =
            Math.toIntExact(Math.max(256, Runtime.getRuntime().maxMemory() >> 17));

    /** A path's greatest length (PATH_MAX); a logger's URI may take as much. */
    private static final int PATH = 4096;

    private static final int OPTIONS = 16 << 10;

    private final String what;
    private final int places;
    private int taken;

    /** @param what there may be so many of, and what is to be done about it */
    public Room(String what, int places) {
        this.what = what;
        this.places = places;
    }

    /**
     * Takes a place.
     *
     * @throws ShimException RESOURCE_EXHAUSTED if there is none
     */
    public synchronized void take() {
        if (taken == places) {
            throw ShimException.resourceExhausted("this shim keeps " + places + " " + what);
        }
        taken++;
    }

    /** Gives a place back. */
    public synchronized void give() {
        taken--;
    }

    /**
     * The names of a process's streams.
     *
     * @throws ShimException as {@link #path}
     */
    static Stdio stdio(String stdin, String stdout, String stderr, boolean terminal) {
        return new Stdio(path(stdin), path(stdout), path(stderr), terminal);
    }

    /**
     * What names a file.
     *
     * @throws ShimException RESOURCE_EXHAUSTED if it is longer than any path
     */
    static String path(String name) {
        if (name.length() > PATH) {
            throw ShimException.resourceExhausted(
                    "the name of a file or stream is longer than " + PATH + " characters");
        }
        return name;
    }

    /**
     * A container's options.
     *
     * @throws ShimException RESOURCE_EXHAUSTED if they are longer than options ever are
     */
    static Any options(Any options) {
        if (options.getSerializedSize() > OPTIONS) {
            throw ShimException.resourceExhausted("the container's options are longer than " + OPTIONS + " bytes");
        }
        return options;
    }
}
