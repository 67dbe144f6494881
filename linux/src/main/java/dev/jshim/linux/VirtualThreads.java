package dev.jshim.linux;

import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/** Virtual threads for what must not be left undone. */
public final class VirtualThreads {
    private static final long RETRY_NANOS = 100_000_000L;

    private VirtualThreads() {}

    /**
     * Starts a thread. If there is none to be had, as when a fork bomb has taken all, it blocks until there is: the JDK
     * starts the carrier of a virtual thread when it needs one, and gives the virtual thread up if it cannot.
     *
     * @param waits called once if there is none
     */
    public static void start(String name, Runnable task, Consumer<OutOfMemoryError> waits) {
        var isTold = false;
        while (true) {
            try {
                Thread.ofVirtual().name(name).start(task);
                return;
            } catch (OutOfMemoryError e) {
                if (!isTold) {
                    waits.accept(e);
                }
                isTold = true;
                LockSupport.parkNanos(RETRY_NANOS);
            }
        }
    }
}
