package dev.jshim.linux;

import org.jspecify.annotations.Nullable;

/**
 * Children that have ended, by waitid(2). In a process that waits for any child nothing else may wait: Process and
 * ProcessBuilder would read the exit code of a child that was taken from them as 0.
 */
public final class Wait {
    private static final int P_ALL = 0;
    private static final int P_PID = 1;
    private static final int WNOHANG = 1;
    private static final int WEXITED = 4;
    private static final int WNOWAIT = 0x100_0000;
    private static final int CLD_EXITED = 1;

    private Wait() {}

    /** As {@link #any(boolean, boolean)}, and the child is reaped. */
    public static @Nullable ExitedChild any(boolean block) throws ErrnoException {
        return any(block, true);
    }

    /**
     * One child that has ended.
     *
     * @param block wait for one; holds the carrier: platform threads only
     * @param reap whether it is gone afterwards; if not, it stays a zombie, and the next call may give the same one
     * @return null when none has ended yet (and not blocking)
     * @throws ErrnoException ECHILD when there is no child at all
     */
    public static @Nullable ExitedChild any(boolean block, boolean reap) throws ErrnoException {
        return wait(P_ALL, 0, block, reap);
    }

    /** Waits until that child has ended. Holds the carrier: platform threads only. ECHILD if it is none of ours. */
    public static ExitedChild pid(int pid, boolean reap) throws ErrnoException {
        ExitedChild child = wait(P_PID, pid, true, reap);
        if (child == null) {
            throw new AssertionError("waitid returned without a child");
        }
        return child;
    }

    /** Whether that child has ended: null if not yet. Does not block. ECHILD if it is none of ours. */
    public static @Nullable ExitedChild poll(int pid, boolean reap) throws ErrnoException {
        return wait(P_PID, pid, false, reap);
    }

    private static @Nullable ExitedChild wait(int idType, int id, boolean block, boolean reap) throws ErrnoException {
        int options = WEXITED | (block ? 0 : WNOHANG) | (reap ? 0 : WNOWAIT);
        try (Memory memory = new Memory()) {
            Memory.Block info = memory.block(Layouts.SIGINFO_SIZE);
            long result = NativeCall.retrying(Syscall.WAITID, idType, id, info.address(), options, 0, 0);
            NativeCall.check(result, "waitid", idType == P_ALL ? "any" : (Object) id);
            int pid = info.buffer().getInt(Layouts.SIGINFO_PID);
            if (pid == 0) {
                return null;
            }
            boolean signalled = info.buffer().getInt(Layouts.SIGINFO_CODE) != CLD_EXITED;
            return new ExitedChild(pid, signalled, info.buffer().getInt(Layouts.SIGINFO_STATUS));
        }
    }
}
