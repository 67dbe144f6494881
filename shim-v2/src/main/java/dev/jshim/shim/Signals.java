package dev.jshim.shim;

import dev.jshim.linux.SignalHandler;
import dev.jshim.task.ShimLog;

/**
 * What signals do to a shim: SIGTERM and SIGINT end it while its containers live on, SIGUSR1 writes the stacks of its
 * threads into its log. Virtual threads are not in there: the JDK shows them to its own tools only.
 */
final class Signals {
    /** A line that is not longer than the kernel's PIPE_BUF does not mix with others. */
    private static final int LONGEST_STACK = 3500;

    private Signals() {}

    /** To be called once, and not while somebody waits for the start. Each signal is handled in its own thread. */
    static void handle(Runnable end) {
        try {
            SignalHandler.install("TERM", () -> end("TERM", end));
            SignalHandler.install("INT", () -> end("INT", end));
            SignalHandler.install("USR1", Signals::dumpStacks);
        } catch (ReflectiveOperationException | RuntimeException e) {
            ShimLog.warn("signals cannot be handled", "error", e);
        }
    }

    private static void end(String signal, Runnable end) {
        ShimLog.info("received a signal; exiting", "signal", signal);
        end.run();
    }

    private static void dumpStacks() {
        ShimLog.info("=== BEGIN stack dump ===");
        Thread.getAllStackTraces().forEach((thread, frames) -> {
            var stack = new StringBuilder();
            for (var frame : frames) {
                stack.append("\n\tat ").append(frame);
            }
            stack.setLength(Math.min(stack.length(), LONGEST_STACK));
            ShimLog.info("thread \"" + thread.getName() + "\" " + thread.getState() + stack);
        });
        ShimLog.info("=== END stack dump ===");
    }
}
