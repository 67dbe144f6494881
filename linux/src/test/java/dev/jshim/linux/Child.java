package dev.jshim.linux;

import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Waits for a child of the test with a deadline, and never for any other: the test runner has children of its own. */
final class Child {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    private Child() {}

    static ExitedChild await(int pid) throws Exception {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (System.nanoTime() < deadline) {
            @Nullable ExitedChild exited = Wait.poll(pid, true);
            if (exited != null) {
                return exited;
            }
            Thread.sleep(2);
        }
        Processes.kill(pid, Processes.SIGKILL);
        Wait.pid(pid, true);
        throw new AssertionError("child " + pid + " did not end");
    }

    /**
     * Once it has the command's name, which the kernel gives a program some time after its start was seen to succeed.
     */
    static ProcessStat named(int pid, String command) throws Exception {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!stat(pid).command().equals(command) && System.nanoTime() < deadline) {
            Thread.sleep(2);
        }
        return stat(pid);
    }

    static ProcessStat stat(int pid) {
        return Objects.requireNonNull(Processes.stat(pid), "process is gone");
    }
}
