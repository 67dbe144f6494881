package dev.jshim.linux;

import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/** The posix_spawn family of glibc. Those with a version were added later than 2.28 and may be missing. */
final class SpawnFunctions {
    static final MethodHandle SPAWN = NativeCall.function("posix_spawn");
    static final MethodHandle ATTRIBUTES_INIT = NativeCall.function("posix_spawnattr_init");
    static final MethodHandle ATTRIBUTES_DESTROY = NativeCall.function("posix_spawnattr_destroy");
    static final MethodHandle SET_FLAGS = NativeCall.function("posix_spawnattr_setflags");
    static final MethodHandle SET_DEFAULT_SIGNALS = NativeCall.function("posix_spawnattr_setsigdefault");
    static final MethodHandle SET_SIGNAL_MASK = NativeCall.function("posix_spawnattr_setsigmask");
    static final MethodHandle ACTIONS_INIT = NativeCall.function("posix_spawn_file_actions_init");
    static final MethodHandle ACTIONS_DESTROY = NativeCall.function("posix_spawn_file_actions_destroy");
    static final MethodHandle ADD_OPEN = NativeCall.function("posix_spawn_file_actions_addopen");
    static final MethodHandle ADD_DUP2 = NativeCall.function("posix_spawn_file_actions_adddup2");
    static final MethodHandle ADD_CLOSE = NativeCall.function("posix_spawn_file_actions_addclose");

    /** glibc 2.29. */
    static final @Nullable MethodHandle ADD_CHDIR = NativeCall.functionOrNull("posix_spawn_file_actions_addchdir_np");

    /** glibc 2.34. */
    static final @Nullable MethodHandle ADD_CLOSE_FROM =
            NativeCall.functionOrNull("posix_spawn_file_actions_addclosefrom_np");

    private SpawnFunctions() {}
}
