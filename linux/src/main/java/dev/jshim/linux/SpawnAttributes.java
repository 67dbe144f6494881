package dev.jshim.linux;

import java.util.Arrays;

/** A posix_spawnattr_t: all signals default, none blocked. */
final class SpawnAttributes implements AutoCloseable {
    private static final int SETPGROUP = 0x2;
    private static final int SETSIGDEF = 0x4;
    private static final int SETSIGMASK = 0x8;

    private final long address;

    SpawnAttributes(Memory memory, boolean newGroup) throws ErrnoException {
        address = memory.block(Layouts.SPAWN_ATTRIBUTES_SIZE).address();
        check(NativeCall.call(SpawnFunctions.ATTRIBUTES_INIT, address, 0, 0, 0, 0, 0));
        int flags = SETSIGDEF | SETSIGMASK | (newGroup ? SETPGROUP : 0); // 0, the group's number, is the child's own
        check(NativeCall.call(SpawnFunctions.SET_FLAGS, address, flags, 0, 0, 0, 0));
        // Not sigfillset: that leaves out 32 and 33, and glibc would then have the child ignore them.
        byte[] full = new byte[Layouts.SIGSET_SIZE];
        Arrays.fill(full, (byte) 0xff);
        long all = memory.bytes(full, 0, full.length).address();
        check(NativeCall.call(SpawnFunctions.SET_DEFAULT_SIGNALS, address, all, 0, 0, 0, 0));
        long none = memory.block(Layouts.SIGSET_SIZE).address();
        check(NativeCall.call(SpawnFunctions.SET_SIGNAL_MASK, address, none, 0, 0, 0, 0));
    }

    long address() {
        return address;
    }

    private static void check(int error) throws ErrnoException {
        if (error != 0) {
            throw new ErrnoException("posix_spawnattr", null, error);
        }
    }

    @Override
    public void close() {
        NativeCall.call(SpawnFunctions.ATTRIBUTES_DESTROY, address, 0, 0, 0, 0, 0);
    }
}
