package dev.jshim.linux;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Calls on files and pipes. Modes are octal permission bits; the process' umask applies where the kernel applies it.
 */
public final class FileCalls {
    private static final int WRITABLE_BY_OTHERS = 022;

    private static final int AT_FDCWD = -100;
    private static final int AT_SYMLINK_NOFOLLOW = 0x100;
    private static final int AT_EMPTY_PATH = 0x1000;
    private static final int STATX_BASIC_STATS = 0x7ff;
    private static final int FIONREAD = 0x541b;
    private static final int F_SETPIPE_SZ = 1031;
    private static final int F_GETPIPE_SZ = 1032;
    private static final int LOCK_SH = 1;
    private static final int LOCK_EX = 2;
    private static final int LOCK_NB = 4;
    private static final int MFD_CLOEXEC = 1;
    private static final int MFD_NOEXEC_SEAL = 8;
    private static final int COPY = 64 * 1024;
    private static final int POLLFD_SIZE = 8;
    private static final int POLLFD_EVENTS = 4;
    private static final int POLLFD_REVENTS = 6;
    private static final short POLLOUT = 4;
    private static final short POLLERR = 8;
    private static final short POLLHUP = 16;
    private static final int TIMESPEC_SIZE = 16;

    private FileCalls() {}

    /**
     * Opens a file, always with O_CLOEXEC. A FIFO opened without O_NONBLOCK waits for the other side and holds the
     * carrier: platform threads only. With O_NONBLOCK, O_WRONLY on a FIFO that nobody reads fails with ENXIO.
     *
     * @param mode for O_CREAT, else 0
     */
    public static Fd open(Path path, int flags, int mode) throws ErrnoException {
        try (Memory memory = new Memory()) {
            long result = NativeCall.retrying(
                    Syscall.OPENAT, AT_FDCWD, memory.path(path), flags | OpenFlags.O_CLOEXEC, mode, 0, 0);
            return Fd.of((int) NativeCall.check(result, "open", path));
        }
    }

    /** Makes a FIFO; EEXIST if there is something of that name. */
    public static void mkfifo(Path path, int mode) throws ErrnoException {
        try (Memory memory = new Memory()) {
            long result = NativeCall.once(
                    Syscall.MKNODAT, AT_FDCWD, memory.path(path), FileStatus.FIFO | (mode & 07777), 0, 0, 0);
            NativeCall.check(result, "mkfifo", path);
        }
    }

    /** A file in memory without a name; it is gone when its last descriptor is. Closed on exec, not executable. */
    public static Fd memoryFile(String label) throws ErrnoException {
        try (Memory memory = new Memory()) {
            long name = memory.text(label);
            long result = NativeCall.once(Syscall.MEMFD_CREATE, name, MFD_CLOEXEC | MFD_NOEXEC_SEAL, 0);
            if (result == -Errno.EINVAL.number()) { // before Linux 6.3
                result = NativeCall.once(Syscall.MEMFD_CREATE, name, MFD_CLOEXEC, 0);
            }
            return Fd.of((int) NativeCall.check(result, "memfd_create", label));
        }
    }

    /**
     * Writes a part of a file to another one by one write(2).
     *
     * @param length at most 64 KiB of it are written
     * @return how many were
     */
    public static int copy(Fd from, long offset, int length, Fd to) throws ErrnoException {
        try (Memory memory = new Memory()) {
            Memory.Block bytes = memory.block(Math.min(length, COPY));
            long read = NativeCall.retrying(
                    Syscall.PREAD64,
                    from.number(),
                    bytes.address(),
                    bytes.buffer().capacity(),
                    offset,
                    0,
                    0);
            NativeCall.check(read, "pread", from);
            long written = NativeCall.retrying(Syscall.WRITE, to.number(), bytes.address(), read);
            return (int) NativeCall.check(written, "write", to);
        }
    }

    /** A new pipe, blocking, both ends closed on exec. */
    public static Pipe pipe() throws ErrnoException {
        try (Memory memory = new Memory()) {
            Memory.Block ends = memory.block(8);
            NativeCall.check(NativeCall.once(Syscall.PIPE2, ends.address(), OpenFlags.O_CLOEXEC, 0), "pipe", null);
            return new Pipe(Fd.of(ends.buffer().getInt(0)), Fd.of(ends.buffer().getInt(4)));
        }
    }

    /** How many bytes the pipe or FIFO holds. */
    public static int pipeCapacity(Fd pipe) throws ErrnoException {
        return (int) pipe.fcntl(F_GETPIPE_SZ, 0);
    }

    /** Asks for a capacity in bytes; returns what the kernel made of it. EPERM above fs.pipe-max-size. */
    public static int setPipeCapacity(Fd pipe, int bytes) throws ErrnoException {
        return (int) pipe.fcntl(F_SETPIPE_SZ, bytes);
    }

    /** How many bytes can be read now from a pipe, a FIFO, a socket or a terminal. */
    public static int unread(Fd fd) throws ErrnoException {
        try (Memory memory = new Memory()) {
            Memory.Block count = memory.block(4);
            long result = NativeCall.once(Syscall.IOCTL, fd.number(), FIONREAD, count.address());
            NativeCall.check(result, "ioctl FIONREAD", fd);
            return count.buffer().getInt(0);
        }
    }

    /**
     * Whether nobody can write a file or folder but root and this process' user, as whom it is believed. A link never
     * is closed. Who may write to the folder that it lies in can still put another in its place.
     */
    public static boolean isClosed(Path path) throws ErrnoException {
        FileStatus found = lstat(path);
        return (found.uid() == 0 || found.uid() == stat(Path.of("/proc/self")).uid())
                && !found.isSymbolicLink()
                && (found.mode() & WRITABLE_BY_OTHERS) == 0;
    }

    /** Whether a pipe or FIFO has a free slot: PIPE_BUF (4096) bytes can be written at once, without waiting. */
    public static boolean hasRoom(Fd writeEnd) throws ErrnoException {
        return poll(writeEnd, POLLOUT) != 0;
    }

    /** Whether somebody has the other end of a pipe or FIFO open, whose writing end this is. */
    public static boolean hasReader(Fd writeEnd) throws ErrnoException {
        return (poll(writeEnd, (short) 0) & POLLERR) == 0;
    }

    /** Whether somebody has the other end of a pipe or FIFO open, whose reading end this is. */
    public static boolean hasWriter(Fd readEnd) throws ErrnoException {
        return (poll(readEnd, (short) 0) & POLLHUP) == 0;
    }

    private static int poll(Fd fd, short events) throws ErrnoException {
        try (Memory memory = new Memory()) {
            Memory.Block polled = memory.block(POLLFD_SIZE);
            polled.buffer().putInt(0, fd.number()).putShort(POLLFD_EVENTS, events);
            Memory.Block atOnce = memory.block(TIMESPEC_SIZE); // all zero
            long result = NativeCall.retrying(Syscall.PPOLL, polled.address(), 1, atOnce.address(), 0, 0, 0);
            NativeCall.check(result, "poll", fd);
            return polled.buffer().getShort(POLLFD_REVENTS);
        }
    }

    /** Sets the umask of the whole process; returns the one before. */
    public static int umask(int mask) {
        return (int) NativeCall.once(Syscall.UMASK, mask, 0, 0);
    }

    /** Sets the permission bits of the file that the path leads to. */
    public static void chmod(Path path, int mode) throws ErrnoException {
        try (Memory memory = new Memory()) {
            NativeCall.check(NativeCall.once(Syscall.FCHMODAT, AT_FDCWD, memory.path(path), mode), "chmod", path);
        }
    }

    /** Sets owner and group of the file that the path leads to; -1 leaves one as it is. */
    public static void chown(Path path, int uid, int gid) throws ErrnoException {
        try (Memory memory = new Memory()) {
            long result = NativeCall.once(Syscall.FCHOWNAT, AT_FDCWD, memory.path(path), uid, gid, 0, 0);
            NativeCall.check(result, "chown", path);
        }
    }

    /** Sets owner and group of an open file; -1 leaves one as it is. */
    public static void fchown(Fd fd, int uid, int gid) throws ErrnoException {
        NativeCall.check(NativeCall.once(Syscall.FCHOWN, fd.number(), uid, gid), "fchown", fd);
    }

    /** What is at the end of the path, symbolic links followed. */
    public static FileStatus stat(Path path) throws ErrnoException {
        return stat(path, 0);
    }

    /** What is at the path itself. */
    public static FileStatus lstat(Path path) throws ErrnoException {
        return stat(path, AT_SYMLINK_NOFOLLOW);
    }

    /** What the descriptor is open on. */
    public static FileStatus fstat(Fd fd) throws ErrnoException {
        try (Memory memory = new Memory()) {
            return statx(memory, fd.number(), memory.text(""), AT_EMPTY_PATH, "fstat", fd);
        }
    }

    /** Forces data and metadata of the file (or directory) to the disk. */
    public static void fsync(Fd fd) throws ErrnoException {
        NativeCall.check(NativeCall.retrying(Syscall.FSYNC, fd.number(), 0, 0), "fsync", fd);
    }

    /**
     * Whether somebody holds an exclusive lock of flock(2) on a file or directory. It is tried by sharing the lock for
     * an instant, in which nobody else gets an exclusive one.
     */
    public static boolean isFlocked(Path path) throws ErrnoException {
        try (Fd fd = open(path, OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK, 0)) {
            long result = NativeCall.retrying(Syscall.FLOCK, fd.number(), LOCK_SH | LOCK_NB, 0);
            if (result == -Errno.EAGAIN.number()) {
                return true;
            }
            NativeCall.check(result, "flock", path);
            return false;
        }
    }

    /**
     * Takes the exclusive lock of flock(2) on a directory, without waiting for it. A lock that needs no file of its
     * own, and that a crash frees.
     *
     * @return holds it as long as it is open; null if somebody else has it, be it in this very process
     */
    public static @Nullable Fd lockDirectory(Path directory) throws ErrnoException {
        Fd fd = open(directory, OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY, 0);
        long result = NativeCall.retrying(Syscall.FLOCK, fd.number(), LOCK_EX | LOCK_NB, 0);
        if (result < 0) {
            fd.close();
        }
        if (result == -Errno.EAGAIN.number()) {
            return null;
        }
        NativeCall.check(result, "flock", directory);
        return fd;
    }

    private static FileStatus stat(Path path, int flags) throws ErrnoException {
        try (Memory memory = new Memory()) {
            return statx(memory, AT_FDCWD, memory.path(path), flags, "stat", path);
        }
    }

    private static FileStatus statx(Memory memory, int directory, long path, int flags, String call, Object argument)
            throws ErrnoException {
        Memory.Block out = memory.block(Layouts.STATX_SIZE);
        long result = NativeCall.once(Syscall.STATX, directory, path, flags, STATX_BASIC_STATS, out.address(), 0);
        NativeCall.check(result, call, argument);
        ByteBuffer status = out.buffer();
        return new FileStatus(
                Short.toUnsignedInt(status.getShort(Layouts.STATX_MODE)),
                device(status, Layouts.STATX_DEV_MAJOR),
                status.getLong(Layouts.STATX_INO),
                device(status, Layouts.STATX_RDEV_MAJOR),
                status.getInt(Layouts.STATX_UID),
                status.getInt(Layouts.STATX_GID),
                status.getLong(Layouts.STATX_SIZE_FIELD));
    }

    private static long device(ByteBuffer status, int offset) {
        long major = Integer.toUnsignedLong(status.getInt(offset));
        long minor = Integer.toUnsignedLong(status.getInt(offset + 4));
        return ((major & ~0xfffL) << 32) | ((major & 0xfff) << 8) | ((minor & ~0xffL) << 12) | (minor & 0xff);
    }
}
