package dev.jshim.node.process;

/**
 * What a process uses.
 *
 * @param rssKib resident set, KiB; 0 for a zombie
 * @param pssKib its share of it, KiB, where shared pages count in parts; -1 if we may not look (before kernel 4.14 too)
 * @param threads of /proc/PID/status
 * @param fds open descriptors; 0 if we may not look
 * @param oomScoreAdj -1000 (never killed) to 1000
 */
public record ProcessUsage(long rssKib, long pssKib, int threads, int fds, int oomScoreAdj) {
    /** The same of this process and another one; the OOM score is this one's. */
    public ProcessUsage and(ProcessUsage other) {
        return new ProcessUsage(
                rssKib + other.rssKib,
                pssKib < 0 || other.pssKib < 0 ? -1 : pssKib + other.pssKib,
                threads + other.threads,
                fds + other.fds,
                oomScoreAdj);
    }
}
