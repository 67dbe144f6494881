package dev.jshim.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/**
 * Every call into the C library goes through one shape: seven longs in, one long out, errno captured.
 *
 * <p>Why one shape: linking a shape costs 11 ms for the first and 4 ms for each further one, even with an AOT cache.
 * All arguments here are integers and pointers. Both calling conventions that we serve (System V x86_64, AAPCS64) pass
 * them in 64-bit registers, let the callee ignore the upper half of an int and let it ignore surplus arguments; only
 * the upper half of an int result is undefined.
 */
final class NativeCall {
    private static final int EINTR = 4;
    private static final FunctionDescriptor SHAPE = FunctionDescriptor.of(
            JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final int STATE_SIZE = 16;
    private static final MethodHandle SYSCALL = function("syscall");

    private NativeCall() {}

    /** Links a function of the C library, which the oldest supported glibc (2.28) has. */
    static MethodHandle function(String name) {
        MethodHandle handle = functionOrNull(name);
        if (handle == null) {
            throw new UnsupportedOperationException("the C library has no " + name);
        }
        return handle;
    }

    /** Links a function that a newer C library has; null if it is missing. */
    static @Nullable MethodHandle functionOrNull(String name) {
        Linker linker = Linker.nativeLinker();
        MemorySegment address = linker.defaultLookup().find(name).orElse(null);
        return address == null ? null : linker.downcallHandle(address, SHAPE, Linker.Option.captureCallState("errno"));
    }

    /** Makes a system call once. Returns its result, or the negated errno. */
    static long once(Syscall number, long a, long b, long c, long d, long e, long f) {
        try (Memory memory = new Memory()) {
            Memory.Block state = memory.block(STATE_SIZE);
            long result = (long) SYSCALL.invokeExact(state.segment(), (long) number.number(), a, b, c, d, e, f);
            return result == -1 ? -state.buffer().getInt(0) : result;
        } catch (Throwable t) {
            throw bug(t);
        }
    }

    static long once(Syscall number, long a, long b, long c) {
        return once(number, a, b, c, 0, 0, 0);
    }

    /** Makes a system call, again after each EINTR. Returns its result, or the negated errno. */
    static long retrying(Syscall number, long a, long b, long c, long d, long e, long f) {
        long result;
        do {
            result = once(number, a, b, c, d, e, f);
        } while (result == -EINTR);
        return result;
    }

    static long retrying(Syscall number, long a, long b, long c) {
        return retrying(number, a, b, c, 0, 0, 0);
    }

    /** Calls a function that answers with an int, most often an error number as the posix_spawn family does. */
    static int call(MethodHandle function, long a, long b, long c, long d, long e, long f) {
        try (Memory memory = new Memory()) {
            Memory.Block state = memory.block(STATE_SIZE);
            return (int) (long) function.invokeExact(state.segment(), a, b, c, d, e, f, 0L);
        } catch (Throwable t) {
            throw bug(t);
        }
    }

    /** The result of a call; throws if it is a negated errno. */
    static long check(long result, String call, @Nullable Object argument) throws ErrnoException {
        if (result < 0) {
            throw new ErrnoException(call, argument == null ? null : argument.toString(), (int) -result);
        }
        return result;
    }

    private static AssertionError bug(Throwable t) {
        if (t instanceof Error error) {
            throw error;
        }
        return new AssertionError("a downcall threw", t);
    }
}
