package dev.jshim.linux;

import java.util.List;

/** An epoll(7) instance, level-triggered unless asked otherwise. One thread awaits; any thread may add and remove. */
public final class Epoll implements AutoCloseable {
    public static final int IN = 0x1;
    public static final int OUT = 0x4;
    /** Always reported, asked for or not. */
    public static final int ERR = 0x8;
    /** Always reported: the other side of a pipe is gone. */
    public static final int HUP = 0x10;

    public static final int RDHUP = 0x2000;
    /** Reports once, then is silent until {@link #modify}. */
    public static final int ONESHOT = 1 << 30;
    /** Reports changes only. */
    public static final int EDGE_TRIGGERED = 1 << 31;

    private static final int CTL_ADD = 1;
    private static final int CTL_DEL = 2;
    private static final int CTL_MOD = 3;
    private static final int CLOEXEC = 0x8_0000;
    private static final int BATCH = 64;

    private final Fd fd;

    /** What happened: the data given to add, and the bits. */
    public record Event(long data, int events) {
        public boolean has(int bits) {
            return (events & bits) != 0;
        }
    }

    /** A new instance, closed on exec. */
    public Epoll() throws ErrnoException {
        fd = Fd.of(
                (int) NativeCall.check(NativeCall.once(Syscall.EPOLL_CREATE1, CLOEXEC, 0, 0), "epoll_create1", null));
    }

    /** Watches a descriptor; EEXIST if it is watched, EPERM for a regular file (which is always ready). */
    public void add(Fd watched, int events, long data) throws ErrnoException {
        control(CTL_ADD, watched, events, data);
    }

    /** Replaces what is watched for; also arms a ONESHOT again. */
    public void modify(Fd watched, int events, long data) throws ErrnoException {
        control(CTL_MOD, watched, events, data);
    }

    /** Ends the watch. Do this before the descriptor is closed: a duplicate elsewhere would keep the watch alive. */
    public void remove(Fd watched) throws ErrnoException {
        control(CTL_DEL, watched, 0, 0);
    }

    /**
     * Waits for events, at most 64 at a time. Holds the carrier: platform threads only. Not woken by {@link #close}:
     * use an {@link EventFd}.
     *
     * @param out cleared, then filled
     * @param timeoutMillis -1 waits forever
     * @return how many; 0 after the time, or earlier when a signal came between
     */
    public int await(List<Event> out, int timeoutMillis) throws ErrnoException {
        out.clear();
        try (Memory memory = new Memory()) {
            Memory.Block events = memory.block(BATCH * Layouts.EPOLL_EVENT_SIZE);
            long result =
                    NativeCall.once(Syscall.EPOLL_PWAIT, fd.number(), events.address(), BATCH, timeoutMillis, 0, 0);
            if (result == -Errno.EINTR.number()) {
                return 0;
            }
            int count = (int) NativeCall.check(result, "epoll_wait", fd);
            for (int i = 0; i < count; i++) {
                int at = i * Layouts.EPOLL_EVENT_SIZE;
                out.add(new Event(
                        events.buffer().getLong(at + Layouts.EPOLL_EVENT_DATA),
                        events.buffer().getInt(at)));
            }
            return count;
        }
    }

    private void control(int operation, Fd watched, int events, long data) throws ErrnoException {
        try (Memory memory = new Memory()) {
            Memory.Block event = memory.block(Layouts.EPOLL_EVENT_SIZE);
            event.buffer().putInt(0, events).putLong(Layouts.EPOLL_EVENT_DATA, data);
            long result =
                    NativeCall.once(Syscall.EPOLL_CTL, fd.number(), operation, watched.number(), event.address(), 0, 0);
            NativeCall.check(result, "epoll_ctl", watched);
        }
    }

    /** Closes the instance; call it after the awaiting thread has left. */
    @Override
    public void close() {
        fd.close();
    }
}
