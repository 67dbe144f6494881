package dev.jshim.node.process;

import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.PidFd;
import dev.jshim.linux.Processes;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Sends a signal to a process that was looked at before, and to no other that has its pid by now: the pidfd is opened
 * first, and then it is checked who it is. Without pidfds (before kernel 5.3) a few microseconds are left.
 */
public final class ProcessSignal {
    private ProcessSignal() {}

    /**
     * Sends it.
     *
     * @param isMeant asked when the process can no longer become another one
     * @return why it was not sent; null if it was
     */
    public static @Nullable String send(int pid, int signal, Predicate<ProcessFacts> isMeant) {
        try {
            if (!PidFd.supported()) {
                if (!isMeant(pid, isMeant)) {
                    return "pid " + pid + " is another process now, or has ended";
                }
                Processes.kill(pid, signal);
                return null;
            }
            try (var process = PidFd.open(pid)) {
                if (!isMeant(pid, isMeant)) {
                    return "pid " + pid + " is another process now, or has ended";
                }
                process.signal(signal);
                return null;
            }
        } catch (ErrnoException e) {
            return "pid " + pid + ": " + e.getMessage();
        }
    }

    private static boolean isMeant(int pid, Predicate<ProcessFacts> isMeant) {
        var facts = ProcFs.system().facts(pid);
        return facts != null && !facts.hasEnded() && isMeant.test(facts);
    }
}
