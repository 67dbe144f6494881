package dev.jshim.linux;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketTimeoutException;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A non-blocking descriptor with which threads wait as if it blocked, parked and not in the kernel. All calls on it are
 * made under one lock: its number cannot come to mean another file in the middle of one.
 */
final class ReadyFd {
    /** A system call on the descriptor's number. Answers its result or the negated errno; must not block. */
    @FunctionalInterface
    interface Call {
        long run(int fd);
    }

    private final Fd fd;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Poller poller;
    private final long key;

    /** What somebody waits for. */
    @GuardedBy("lock")
    private int wanted;

    @GuardedBy("lock")
    private boolean stopped;

    /** Takes the descriptor over. */
    ReadyFd(Fd fd) throws ErrnoException {
        this.fd = fd;
        try {
            poller = Poller.shared();
            key = poller.add(fd, this::ready);
        } catch (ErrnoException e) {
            fd.close();
            throw e;
        }
    }

    Fd fd() {
        return fd;
    }

    boolean isOpen() {
        return fd.isOpen();
    }

    /**
     * Makes a call, waiting as often as it says EAGAIN.
     *
     * @param event {@link Epoll#IN} or {@link Epoll#OUT}
     */
    long call(int event, Duration patience, Call call, String name) throws IOException {
        var left = patience.toNanos();
        lock.lock();
        try {
            while (true) {
                if (!fd.isOpen()) {
                    throw new ClosedChannelException();
                }
                if (stopped && event == Epoll.IN) {
                    throw new InterruptedIOException(name + " was stopped");
                }
                var result = call.run(fd.number());
                if (result != -Errno.EAGAIN.number()) {
                    return NativeCall.check(result, name, fd);
                }
                if (left <= 0) {
                    throw new SocketTimeoutException(name + ": nothing within " + patience.toMillis() + " ms");
                }
                want(event);
                left = changed.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(name + " was interrupted", e);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Makes a call once.
     *
     * @return its result, or -1 if it would have had to wait
     * @throws ClosedChannelException after close
     */
    long once(Call call, String name) throws IOException {
        lock.lock();
        try {
            if (!fd.isOpen()) {
                throw new ClosedChannelException();
            }
            var result = call.run(fd.number());
            return result == -Errno.EAGAIN.number() ? -1 : NativeCall.check(result, name, fd);
        } finally {
            lock.unlock();
        }
    }

    /** Makes a call that never waits and whose result is of no interest; none after close. */
    void now(Call call) {
        lock.lock();
        try {
            if (fd.isOpen()) {
                call.run(fd.number());
            }
        } finally {
            lock.unlock();
        }
    }

    @GuardedBy("lock")
    private void want(int event) throws ErrnoException {
        wanted |= event;
        poller.watch(fd, wanted, key);
    }

    /** In the poller's thread. */
    private void ready(int events) {
        lock.lock();
        try {
            var isEnd = (events & (Epoll.ERR | Epoll.HUP)) != 0;
            wanted &= isEnd ? 0 : ~events;
            if (wanted != 0 && fd.isOpen()) {
                poller.watch(fd, wanted, key);
            }
            changed.signalAll();
        } catch (ErrnoException e) {
            // They look again, and find it out for themselves.
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Whether calls that wait for {@link Epoll#IN} are to end. */
    void stop(boolean now) {
        lock.lock();
        try {
            stopped = now;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    void close() {
        lock.lock();
        try {
            if (fd.isOpen()) {
                poller.remove(fd, key);
                fd.close();
                changed.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }
}
