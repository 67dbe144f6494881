package dev.jshim.node;

/**
 * What a process uses.
 *
 * @param rssKib resident set, KiB; 0 for a zombie
 * @param threads of /proc/PID/status
 * @param fds open descriptors; -1 where we may not look
 */
public record ProcessUsage(long rssKib, int threads, int fds) {}
