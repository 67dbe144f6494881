package dev.jshim.linux;

import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A file descriptor that somebody owns.
 *
 * <p>Thread rule: any thread, but the owner closes it only after the other users have stopped, since the kernel gives a
 * closed number to the next open; only {@link #duplicate()} may meet it. A read or write on a blocking descriptor holds
 * the carrier: platform threads only. After close, each method throws EBADF.
 */
public final class Fd implements AutoCloseable {
    private static final int CLOSED = -1;
    private static final int CHUNK = 64 * 1024;
    private static final int F_GETFD = 1;
    private static final int F_SETFD = 2;
    private static final int F_GETFL = 3;
    private static final int F_SETFL = 4;
    private static final int F_DUPFD_CLOEXEC = 1030;
    private static final int FD_CLOEXEC = 1;
    private static final int SEEK_SET = 0;
    private static final int SEEK_CUR = 1;

    private final AtomicInteger number;
    private final AtomicReference<@Nullable Runnable> afterClose = new AtomicReference<>();

    private Fd(int number) {
        this.number = new AtomicInteger(number);
        OpenFiles.seen(number);
    }

    /** Takes over an open descriptor; close() closes it. */
    public static Fd of(int number) {
        if (number < 0) {
            throw new IllegalArgumentException("no descriptor: " + number);
        }
        return new Fd(number);
    }

    /** The number, or -1 after close. */
    public int number() {
        return number.get();
    }

    /** Whether close() has not been called. */
    public boolean isOpen() {
        return number.get() != CLOSED;
    }

    /** Closes the descriptor once; later calls do nothing. Errors are ignored, the number is free in any case. */
    @Override
    public synchronized void close() {
        int open = number.getAndSet(CLOSED);
        if (open != CLOSED) {
            NativeCall.once(Syscall.CLOSE, open, 0, 0);
            afterClose();
        }
    }

    /**
     * Has something done once, right after close() and in its thread; at once if that has been called already. What was
     * given before is replaced.
     *
     * @param action must not throw
     */
    public void whenClosed(Runnable action) {
        afterClose.set(action);
        if (!isOpen()) {
            afterClose();
        }
    }

    private void afterClose() {
        Runnable action = afterClose.getAndSet(null);
        if (action != null) {
            action.run();
        }
    }

    /**
     * Reads at most {@code length} bytes (and at most 64 KiB), as read(2).
     *
     * @return how many; -1 at the end of the file; 0 only for a length of 0
     * @throws ErrnoException also EAGAIN, when there is nothing yet and the descriptor is non-blocking
     */
    public int read(byte[] buffer, int offset, int length) throws ErrnoException {
        Objects.checkFromIndexSize(offset, length, buffer.length);
        if (length == 0) {
            return 0;
        }
        try (Memory memory = new Memory()) {
            Memory.Block block = memory.block(Math.min(length, CHUNK));
            int count = (int) checked(
                    "read",
                    NativeCall.retrying(
                            Syscall.READ,
                            number(),
                            block.address(),
                            block.buffer().capacity()));
            block.buffer().get(0, buffer, offset, count);
            return count == 0 ? -1 : count;
        }
    }

    /**
     * Reads what there is now (and at most 64 KiB) from a non-blocking descriptor.
     *
     * @return how many; 0 when there is nothing yet, -1 at the end of the file
     */
    public int tryRead(byte[] buffer) throws ErrnoException {
        return tryRead(buffer, 0, buffer.length);
    }

    /** As {@link #tryRead(byte[])}, into a part of the buffer. */
    public int tryRead(byte[] buffer, int offset, int length) throws ErrnoException {
        try {
            return read(buffer, offset, length);
        } catch (ErrnoException e) {
            if (e.errno() == Errno.EAGAIN) {
                return 0;
            }
            throw e;
        }
    }

    /**
     * Writes at most {@code length} bytes (and at most 64 KiB), as write(2).
     *
     * @return how many were taken
     * @throws ErrnoException also EAGAIN, when the descriptor is non-blocking and full; EPIPE when nobody reads
     */
    public int write(byte[] buffer, int offset, int length) throws ErrnoException {
        Objects.checkFromIndexSize(offset, length, buffer.length);
        int size = Math.min(length, CHUNK);
        try (Memory memory = new Memory()) {
            long address = memory.bytes(buffer, offset, size).address();
            return (int) checked("write", NativeCall.retrying(Syscall.WRITE, number(), address, size));
        }
    }

    /** Writes all of it. After an ErrnoException (EAGAIN too) an unknown part has been written. */
    public void writeFully(byte[] buffer, int offset, int length) throws ErrnoException {
        int done = 0;
        while (done < length) {
            done += write(buffer, offset + done, length - done);
        }
    }

    /** Writes all of it, see the other overload. */
    public void writeFully(byte[] bytes) throws ErrnoException {
        writeFully(bytes, 0, bytes.length);
    }

    /** Reads at most {@code length} bytes (and at most 64 KiB) from that offset of a file; -1 at its end. */
    public int readAt(long offset, byte[] buffer, int length) throws ErrnoException {
        try (Memory memory = new Memory()) {
            Memory.Block block = memory.block(Math.clamp(length, 1, CHUNK));
            long result = NativeCall.retrying(
                    Syscall.PREAD64, number(), block.address(), Math.min(length, CHUNK), offset, 0, 0);
            int count = (int) checked("pread", result);
            block.buffer().get(0, buffer, 0, count);
            return count == 0 && length > 0 ? -1 : count;
        }
    }

    /** Writes at most 64 KiB at that offset of a file; returns how many were taken. */
    public int writeAt(long offset, byte[] bytes) throws ErrnoException {
        int size = Math.min(bytes.length, CHUNK);
        try (Memory memory = new Memory()) {
            long address = memory.bytes(bytes, 0, size).address();
            return (int)
                    checked("pwrite", NativeCall.retrying(Syscall.PWRITE64, number(), address, size, offset, 0, 0));
        }
    }

    /** Where the open file is read and written next; every duplicate shares that. */
    public long position() throws ErrnoException {
        return checked("lseek", NativeCall.once(Syscall.LSEEK, number(), 0, SEEK_CUR));
    }

    /** Sets it. */
    public void setPosition(long offset) throws ErrnoException {
        checked("lseek", NativeCall.once(Syscall.LSEEK, number(), offset, SEEK_SET));
    }

    /** Sets or clears O_NONBLOCK, which belongs to the open file and so to every duplicate of this descriptor. */
    public void setNonBlocking(boolean nonBlocking) throws ErrnoException {
        change(F_GETFL, F_SETFL, OpenFlags.O_NONBLOCK, nonBlocking);
    }

    /** Sets or clears FD_CLOEXEC, which belongs to this descriptor alone. */
    public void setCloseOnExec(boolean closeOnExec) throws ErrnoException {
        change(F_GETFD, F_SETFD, FD_CLOEXEC, closeOnExec);
    }

    /** The flags of the open file, as F_GETFL gives them. */
    public int flags() throws ErrnoException {
        return (int) fcntl(F_GETFL, 0);
    }

    /** Makes {@code target} a duplicate of this, without close-on-exec, as dup2(2). What target was is closed. */
    public void dupTo(int target) throws ErrnoException {
        if (target == number()) {
            setCloseOnExec(false);
            return;
        }
        checked("dup2", NativeCall.retrying(Syscall.DUP3, number(), target, 0));
    }

    /**
     * A duplicate with a number and an owner of its own, closed on exec. Never of what got the number after a close.
     */
    public Fd duplicate() throws ErrnoException {
        return duplicateAbove(0);
    }

    /** As {@link #duplicate()}, with a number of at least {@code lowest}. */
    synchronized Fd duplicateAbove(int lowest) throws ErrnoException {
        return new Fd((int) fcntl(F_DUPFD_CLOEXEC, lowest));
    }

    long fcntl(int command, long argument) throws ErrnoException {
        return checked("fcntl", NativeCall.retrying(Syscall.FCNTL, number(), command, argument));
    }

    private void change(int get, int set, int bit, boolean on) throws ErrnoException {
        int before = (int) fcntl(get, 0);
        int after = on ? before | bit : before & ~bit;
        if (after != before) {
            fcntl(set, after);
        }
    }

    private long checked(String call, long result) throws ErrnoException {
        return NativeCall.check(result, call, this);
    }

    @Override
    public String toString() {
        int open = number();
        return open == CLOSED ? "closed fd" : "fd " + open;
    }
}
