package dev.jshim.linux;

/**
 * A process by descriptor (kernel 5.3 on): unlike a pid it cannot come to mean another process. Where
 * {@link #supported()} is false, compare {@link Processes#startTime} before each {@link Processes#kill}; that leaves a
 * race of a few microseconds.
 */
public final class PidFd implements AutoCloseable {
    private final Fd fd;
    private final int pid;

    private PidFd(Fd fd, int pid) {
        this.fd = fd;
        this.pid = pid;
    }

    /** Whether the kernel has pidfd_open and lets us call it. */
    public static boolean supported() {
        return Support.AVAILABLE;
    }

    /** Opens a process, a zombie too. ESRCH when it is gone, ENOSYS if not supported. */
    public static PidFd open(int pid) throws ErrnoException {
        long result = NativeCall.once(Syscall.PIDFD_OPEN, pid, 0, 0);
        return new PidFd(Fd.of((int) NativeCall.check(result, "pidfd_open", pid)), pid);
    }

    /** What to watch with {@link Epoll#IN}: readable when the process has exited. */
    public Fd fd() {
        return fd;
    }

    /** Sends a signal; ESRCH when the process has been waited for. */
    public void signal(int signal) throws ErrnoException {
        long result = NativeCall.once(Syscall.PIDFD_SEND_SIGNAL, fd.number(), signal, 0);
        NativeCall.check(result, "pidfd_send_signal", pid);
    }

    @Override
    public void close() {
        fd.close();
    }

    private static final class Support {
        static final boolean AVAILABLE = probe();

        private static boolean probe() {
            try (PidFd self = open(Processes.getpid())) {
                return self.fd().isOpen();
            } catch (ErrnoException unsupported) {
                return false;
            }
        }
    }
}
