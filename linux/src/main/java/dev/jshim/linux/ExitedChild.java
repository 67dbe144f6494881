package dev.jshim.linux;

/**
 * A child that has ended.
 *
 * @param signalled whether a signal killed it
 * @param status the signal's number if so, else the exit code
 */
public record ExitedChild(int pid, boolean signalled, int status) {
    /** As a shell counts: 128 + signal for a killed one. */
    public int exitStatus() {
        return signalled ? 128 + status : status;
    }
}
