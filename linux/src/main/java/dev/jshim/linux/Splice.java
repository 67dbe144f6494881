package dev.jshim.linux;

/** Moves bytes inside the kernel. */
public final class Splice {
    private static final int SPLICE_F_MOVE = 1;
    private static final int SPLICE_F_NONBLOCK = 2;

    /** What {@link #trySplice} returns when nothing can move yet. */
    public static final long WOULD_BLOCK = -1;

    private Splice() {}

    /**
     * Moves at most {@code max} bytes from one descriptor to the other; one of them is a pipe or FIFO. The kernel
     * refuses (EINVAL) a file that is open for appending.
     *
     * @param nonBlocking not to wait at the pipes (the other descriptor needs O_NONBLOCK of its own); false holds the
     *     carrier: platform threads only
     * @return how many were moved; 0 at the end of {@code in}
     * @throws ErrnoException EAGAIN when nothing can move yet, EPIPE when nobody reads {@code out}
     */
    public static long splice(Fd in, Fd out, long max, boolean nonBlocking) throws ErrnoException {
        return check(raw(in, out, max, nonBlocking), in, out);
    }

    /** As {@link #splice} without waiting; {@link #WOULD_BLOCK}, not an exception, when nothing can move yet. */
    public static long trySplice(Fd in, Fd out, long max) throws ErrnoException {
        long result = raw(in, out, max, true);
        return result == -Errno.EAGAIN.number() ? WOULD_BLOCK : check(result, in, out);
    }

    private static long raw(Fd in, Fd out, long max, boolean nonBlocking) {
        int flags = SPLICE_F_MOVE | (nonBlocking ? SPLICE_F_NONBLOCK : 0);
        return NativeCall.retrying(Syscall.SPLICE, in.number(), 0, out.number(), 0, max, flags);
    }

    private static long check(long result, Fd in, Fd out) throws ErrnoException {
        return result < 0 ? NativeCall.check(result, "splice", in + " to " + out) : result;
    }
}
