package dev.jshim.ttrpc;

import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** The one timer thread of the process, started with the first deadline; what is due runs in a virtual thread. */
final class Timer extends ScheduledThreadPoolExecutor {
    private Timer() {
        super(1, Thread.ofPlatform().daemon().name("ttrpc-timer").factory());
        setRemoveOnCancelPolicy(true);
    }

    static Timer shared() {
        return Holder.TIMER;
    }

    /** A slow task, such as a listener of somebody's context, must not hold up the deadlines of others. */
    @Override
    public ScheduledFuture<?> schedule(Runnable task, long delay, TimeUnit unit) {
        return super.schedule(() -> Threads.CALLS.newThread(task).start(), delay, unit);
    }

    private static final class Holder {
        static final Timer TIMER = new Timer();
    }
}
