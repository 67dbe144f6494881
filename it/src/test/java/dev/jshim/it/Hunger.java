package dev.jshim.it;

import java.util.List;

/** Processes that the kernel kills for want of memory, beside others that it leaves alone. */
final class Hunger {
    /**
     * What {@code ctr run} takes for a container with little memory. Not 16 MiB: the runtime itself takes much of it
     * when it starts an exec, and one exec in a hundred had the kernel kill init as well.
     */
    static final List<String> FLAGS = List.of("-d", "--memory-limit", Integer.toString(64 << 20));

    /** Keeps its input in memory until the end, which does not come. */
    static final String COMMAND = "busybox tail -c 256m /dev/zero >/dev/null";

    private Hunger() {}
}
