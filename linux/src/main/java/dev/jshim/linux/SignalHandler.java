package dev.jshim.linux;

import java.lang.reflect.Proxy;

/** What this process does on a signal, in place of what the JVM would do. */
public final class SignalHandler {
    private SignalHandler() {}

    /**
     * Handles a signal from now on, each time in a thread of its own.
     *
     * <p>By reflection: javac warns of each mention of sun.misc.Signal, and nothing silences it.
     *
     * @param name without SIG, such as {@code WINCH}
     * @throws ReflectiveOperationException if the JVM keeps the signal for itself, or has no such class
     */
    public static void install(String name, Runnable action) throws ReflectiveOperationException {
        var signal = Class.forName("sun.misc.Signal");
        var handler = Class.forName("sun.misc.SignalHandler");
        var loader = SignalHandler.class.getClassLoader();
        var proxy = Proxy.newProxyInstance(loader, new Class<?>[] {handler}, (_, method, _) -> {
            if (method.getName().equals("handle")) {
                action.run();
            }
            return null;
        });
        var one = signal.getConstructor(String.class).newInstance(name);
        signal.getMethod("handle", signal, handler).invoke(null, one, proxy);
    }
}
