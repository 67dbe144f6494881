package dev.jshim.shim;

import dev.jshim.shim.log.ShimLog;
import java.lang.reflect.Proxy;

/**
 * What signals do to a shim: SIGTERM and SIGINT end it cleanly while its containers live on, SIGUSR1 writes the stacks
 * of its threads into its log. Virtual threads are not in there: the JDK shows them to its own tools only.
 */
final class Signals {
    /** A line that is not longer than the kernel's PIPE_BUF does not mix with others. */
    private static final int LONGEST_STACK = 3500;

    private Signals() {}

    /** To be called once, and not while somebody waits for the start. Each signal is handled in its own thread. */
    static void handle(Runnable end) {
        try {
            handle("TERM", () -> end("TERM", end));
            handle("INT", () -> end("INT", end));
            handle("USR1", Signals::dumpStacks);
        } catch (ReflectiveOperationException | RuntimeException e) {
            ShimLog.warn("signals cannot be handled", "error", e);
        }
    }

    /** By reflection: javac warns of each mention of sun.misc.Signal, and nothing silences it. */
    private static void handle(String name, Runnable action) throws ReflectiveOperationException {
        var signal = Class.forName("sun.misc.Signal");
        var handler = Class.forName("sun.misc.SignalHandler");
        var proxy = Proxy.newProxyInstance(Signals.class.getClassLoader(), new Class<?>[] {handler}, (_, method, _) -> {
            if (method.getName().equals("handle")) {
                action.run();
            }
            return null;
        });
        var one = signal.getConstructor(String.class).newInstance(name);
        signal.getMethod("handle", signal, handler).invoke(null, one, proxy);
    }

    private static void end(String signal, Runnable end) {
        ShimLog.info("told to end", "signal", signal);
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
