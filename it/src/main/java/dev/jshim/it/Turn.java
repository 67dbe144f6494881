package dev.jshim.it;

/**
 * What is typed once something was heard. On a terminal nothing else is sure: a process that leads a session and ends
 * has the kernel hang its terminal up, and what is then still on its way to the other side is thrown away, with runc's
 * shim as with ours. And without one ctr closes its ends of the FIFOs when a process was deleted, whatever is still in
 * them (pkg/cio/io_unix.go copyIO, v2.1.9; seen with 1.6, 1.7 and 2.1): of 2500 short execs one had lost its output. So
 * a script ends by reading a line, which is typed when its last words have arrived.
 *
 * @param heard a part of the output so far, or of what was said on the standard error; empty for what is typed at once
 * @param typed with the ends of its lines
 */
record Turn(String heard, String typed) {
    /** For the end of a script: waits for {@link #afterwards}. */
    static final String HEARD = "read heard";

    /** Types a line at once. */
    static Turn first(String line) {
        return new Turn("", line + "\n");
    }

    /** Types nothing, but goes on once something was heard. */
    static Turn listen(String heard) {
        return new Turn(heard, "");
    }

    /** Types a line once something was heard. */
    static Turn then(String heard, String line) {
        return new Turn(heard, line + "\n");
    }

    /** Lets a script go on to its end, once its last words were heard. */
    static Turn afterwards(String heard) {
        return then(heard, "");
    }
}
