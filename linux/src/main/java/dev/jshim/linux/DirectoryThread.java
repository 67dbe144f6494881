package dev.jshim.linux;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Runs one call in a thread with a working directory of its own: a fresh platform thread leaves the process' shared
 * directory (unshare CLONE_FS, no privilege needed), changes its own and ends afterwards. The JVM has no chdir, and a
 * chdir of the whole process would pull the ground from under relative paths elsewhere.
 */
final class DirectoryThread extends Thread {
    private static final int CLONE_FS = 0x200;

    private final Path directory;
    private final Call call;
    private long result;
    private @Nullable Throwable failure;

    interface Call {
        long run() throws ErrnoException;
    }

    private DirectoryThread(Path directory, Call call) {
        super(null, null, "linux-chdir", 0, false);
        this.directory = directory;
        this.call = call;
    }

    /** Runs the call there and waits for its end, also when interrupted. */
    static long run(Path directory, Call call) throws ErrnoException {
        DirectoryThread thread = new DirectoryThread(directory, call);
        thread.start();
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException later) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        switch (thread.failure) {
            case null -> {}
            case ErrnoException e -> throw e;
            case Throwable t -> throw new IllegalStateException(t);
        }
        return thread.result;
    }

    @Override
    public void run() {
        try (Memory memory = new Memory()) {
            NativeCall.check(NativeCall.once(Syscall.UNSHARE, CLONE_FS, 0, 0), "unshare", "CLONE_FS");
            NativeCall.check(NativeCall.once(Syscall.CHDIR, memory.path(directory), 0, 0), "chdir", directory);
            result = call.run();
        } catch (ErrnoException | RuntimeException | Error e) {
            failure = e;
        }
    }
}
