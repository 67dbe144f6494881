package dev.jshim.linux;

/**
 * Transparent huge pages of this process. The kernel's switch is inherited over fork and exec: {@link Spawn} turns it
 * back for as long as posix_spawn(3) takes, which returns after the child's exec, so that no child is touched. Any
 * thread.
 */
public final class HugePages {
    private static final int PR_SET_THP_DISABLE = 41;
    private static final int PR_GET_THP_DISABLE = 42;

    private static boolean off;
    private static int spawning;

    private HugePages() {}

    /** No transparent huge pages here from now on; does nothing if the parent has passed that on already. */
    public static synchronized void turnOff() throws ErrnoException {
        if (!off && !areOff()) {
            NativeCall.check(set(1), "prctl", "PR_SET_THP_DISABLE");
            off = true;
        }
    }

    /** Whether they are off, here or by inheritance. */
    public static boolean areOff() throws ErrnoException {
        return NativeCall.check(prctl(PR_GET_THP_DISABLE, 0), "prctl", "PR_GET_THP_DISABLE") != 0;
    }

    static synchronized void beforeSpawn() {
        if (off && spawning++ == 0) {
            set(0);
        }
    }

    static synchronized void afterSpawn() {
        if (off && spawning > 0 && --spawning == 0) {
            set(1);
        }
    }

    private static long set(int on) {
        return prctl(PR_SET_THP_DISABLE, on);
    }

    /** The kernel refuses the call unless the unused arguments are 0. */
    private static long prctl(int option, int argument) {
        return NativeCall.once(Syscall.PRCTL, option, argument, 0, 0, 0, 0);
    }
}
