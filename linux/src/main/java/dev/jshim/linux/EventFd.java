package dev.jshim.linux;

/**
 * A counter in the kernel that can be watched by {@link Epoll}: it wakes a waiting thread. Any thread; never blocks.
 */
public final class EventFd implements AutoCloseable {
    private static final int FLAGS = OpenFlags.O_CLOEXEC | OpenFlags.O_NONBLOCK;
    private static final int SIZE = 8;

    private final Fd fd;

    /** A counter at 0, non-blocking, closed on exec. */
    public EventFd() throws ErrnoException {
        fd = Fd.of((int) NativeCall.check(NativeCall.once(Syscall.EVENTFD2, 0, FLAGS, 0), "eventfd", null));
    }

    /** What to watch, for {@link Epoll#IN}. */
    public Fd fd() {
        return fd;
    }

    /** Adds one: the descriptor is readable until {@link #drain}. */
    public void signal() throws ErrnoException {
        try (Memory memory = new Memory()) {
            Memory.Block one = memory.block(SIZE);
            one.buffer().putLong(0, 1);
            unlessEmpty("write", NativeCall.retrying(Syscall.WRITE, fd.number(), one.address(), SIZE));
        }
    }

    /** Resets the counter; returns how many signals it held, 0 if none. */
    public long drain() throws ErrnoException {
        try (Memory memory = new Memory()) {
            Memory.Block count = memory.block(SIZE);
            unlessEmpty("read", NativeCall.retrying(Syscall.READ, fd.number(), count.address(), SIZE));
            return count.buffer().getLong(0);
        }
    }

    /** EAGAIN is no error: nothing to drain, or a counter so full that it wakes in any case. */
    private void unlessEmpty(String call, long result) throws ErrnoException {
        if (result != -Errno.EAGAIN.number()) {
            NativeCall.check(result, call, fd);
        }
    }

    @Override
    public void close() {
        fd.close();
    }
}
