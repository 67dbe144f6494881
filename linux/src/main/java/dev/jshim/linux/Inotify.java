package dev.jshim.linux;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Set;

/**
 * An inotify(7) instance: reports which of its watched files were changed. Never blocks; {@link Epoll} says when there
 * is something to {@link #read}. Any thread may add and remove.
 *
 * <p>A user has few instances (fs.inotify.max_user_instances, 128 unless set otherwise), so that one should do for many
 * files.
 */
public final class Inotify implements AutoCloseable {
    public static final int MODIFY = 0x2;

    /** What {@link #read} gives when the kernel has dropped events: any file may have changed. */
    public static final int OVERFLOW = -1;

    private static final int FLAGS = OpenFlags.O_CLOEXEC | OpenFlags.O_NONBLOCK;
    private static final int BUFFER = 4096;

    private final Fd fd;

    /** An instance that watches nothing. EMFILE when the user has too many of them. */
    public Inotify() throws ErrnoException {
        fd = Fd.of((int) NativeCall.check(NativeCall.once(Syscall.INOTIFY_INIT1, FLAGS, 0, 0), "inotify_init1", null));
    }

    /** What to watch, for {@link Epoll#IN}. */
    public Fd fd() {
        return fd;
    }

    /** Watches a file; returns the watch's number, for a file that is watched already the one it has. */
    public int add(Path file, int events) throws ErrnoException {
        try (Memory memory = new Memory()) {
            long result = NativeCall.once(Syscall.INOTIFY_ADD_WATCH, fd.number(), memory.path(file), events);
            return (int) NativeCall.check(result, "inotify_add_watch", file);
        }
    }

    /** Ends a watch; nothing happens when it has ended with its file. */
    public void remove(int watch) throws ErrnoException {
        long result = NativeCall.once(Syscall.INOTIFY_RM_WATCH, fd.number(), watch, 0);
        if (result != -Errno.EINVAL.number()) {
            NativeCall.check(result, "inotify_rm_watch", watch);
        }
    }

    /** Adds the numbers of the watches whose files were changed since, or {@link #OVERFLOW}. */
    public void read(Set<Integer> into) throws ErrnoException {
        byte[] bytes = new byte[BUFFER];
        while (true) {
            int length;
            try {
                length = fd.read(bytes, 0, bytes.length);
            } catch (ErrnoException e) {
                if (e.errno() == Errno.EAGAIN) {
                    return;
                }
                throw e;
            }
            ByteBuffer events = ByteBuffer.wrap(bytes, 0, length).order(ByteOrder.nativeOrder());
            for (int at = 0; at < length; at += size(events, at)) {
                into.add(events.getInt(at + Layouts.INOTIFY_EVENT_WATCH));
            }
        }
    }

    private static int size(ByteBuffer events, int at) {
        return Layouts.INOTIFY_EVENT_SIZE + events.getInt(at + Layouts.INOTIFY_EVENT_LENGTH);
    }

    @Override
    public void close() {
        fd.close();
    }
}
