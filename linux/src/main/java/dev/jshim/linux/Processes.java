package dev.jshim.linux;

import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Calls on this process and on others, by pid. None of them blocks. */
public final class Processes {
    public static final int SIGINT = 2;
    public static final int SIGQUIT = 3;
    public static final int SIGKILL = 9;
    public static final int SIGUSR1 = 10;
    public static final int SIGPIPE = 13;
    public static final int SIGTERM = 15;

    private static final int PR_SET_CHILD_SUBREAPER = 36;
    private static final int PR_GET_CHILD_SUBREAPER = 37;
    private static final int PR_SCHED_CORE = 62;
    private static final int PR_SCHED_CORE_CREATE = 1;
    private static final int PR_SCHED_CORE_SCOPE_PROCESS_GROUP = 2;
    private static final int NAME_BYTES = 15;
    private static final Pattern PID = Pattern.compile("[1-9][0-9]{0,9}");

    private Processes() {}

    /**
     * Sends a signal to a process, or with a pid below -1 to the process group of that number. 0 and -1, which would
     * hit the caller's own group or everything, are refused.
     *
     * @throws ErrnoException ESRCH when there is no such process
     */
    public static void kill(int pid, int signal) throws ErrnoException {
        if (pid == 0 || pid == -1) {
            throw new IllegalArgumentException("kill of pid " + pid);
        }
        NativeCall.check(NativeCall.once(Syscall.KILL, pid, signal, 0), "kill", pid);
    }

    /** Makes this process the leader of a new session; EPERM if it leads a process group already. */
    public static int setsid() throws ErrnoException {
        return (int) NativeCall.check(NativeCall.once(Syscall.SETSID, 0, 0, 0), "setsid", null);
    }

    /** The pid of this process. */
    public static int getpid() {
        return (int) NativeCall.once(Syscall.GETPID, 0, 0, 0);
    }

    /**
     * Ends this process now, as {@link Runtime#halt} does, but for the 300 ms that the JVM would wait for threads in
     * native code: among them are the JDK's own that wait for sockets on behalf of virtual threads, and they never come
     * back (JDK 25, {@code VM_Exit::wait_for_threads_in_native_to_block}).
     */
    public static void exit(int code) {
        NativeCall.once(Syscall.EXIT_GROUP, code, 0, 0);
    }

    /** From now on orphans among our descendants become our children, to be waited for by {@link Wait#any}. */
    public static void becomeSubreaper() throws ErrnoException {
        prctl(PR_SET_CHILD_SUBREAPER, 1, "PR_SET_CHILD_SUBREAPER");
    }

    /** Whether {@link #becomeSubreaper} has been called. */
    public static boolean isSubreaper() throws ErrnoException {
        try (Memory memory = new Memory()) {
            Memory.Block answer = memory.block(4);
            prctl(PR_GET_CHILD_SUBREAPER, answer.address(), "PR_GET_CHILD_SUBREAPER");
            return answer.buffer().getInt(0) != 0;
        }
    }

    /**
     * Gives this process' group a core scheduling cookie of its own, which children inherit: no hyperthread of a core
     * runs something else beside them.
     *
     * @throws ErrnoException EINVAL if the kernel was built without it, ENODEV if the machine has no hyperthreads
     */
    public static void createCoreCookie() throws ErrnoException {
        long result = NativeCall.once(
                Syscall.PRCTL, PR_SCHED_CORE, PR_SCHED_CORE_CREATE, 0, PR_SCHED_CORE_SCOPE_PROCESS_GROUP, 0, 0);
        NativeCall.check(result, "prctl", "PR_SCHED_CORE");
    }

    /**
     * Sets the name that ps and pgrep show, cut to 15 bytes. Through /proc/self/comm: PR_SET_NAME names the calling
     * thread, and a JVM's main method does not run on the first one.
     */
    public static void setName(String name) throws IOException {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        try (Fd comm = FileCalls.open(Path.of("/proc/self/comm"), OpenFlags.O_WRONLY, 0)) {
            comm.write(bytes, 0, Math.min(bytes.length, NAME_BYTES));
        }
    }

    /** The pid in a text that is nothing but one, as containerd and runtimes write it; 0 for any other text. */
    public static int parsePid(String text) {
        if (!PID.matcher(text).matches()) {
            return 0;
        }
        long pid = Long.parseLong(text);
        return pid <= Integer.MAX_VALUE ? (int) pid : 0;
    }

    /** Ignores a signal in this process; children made by {@link Spawn} have the default again. */
    public static void ignoreSignal(int signal) throws ErrnoException {
        long sigIgn = 1;
        if (NativeCall.call(SignalFunction.HANDLE, signal, sigIgn, 0, 0, 0, 0) == -1) {
            throw new ErrnoException("signal", Integer.toString(signal), Errno.EINVAL);
        }
    }

    /** Whether there is such a process; a zombie counts, and so does one that we may not signal. */
    public static boolean exists(int pid) {
        if (pid <= 0) {
            return false;
        }
        long result = NativeCall.once(Syscall.KILL, pid, 0, 0);
        return result == 0 || result == -Errno.EPERM.number();
    }

    /** Whether there is a process in that group; a zombie counts. */
    public static boolean groupExists(int group) {
        if (group <= 1) {
            return false;
        }
        long result = NativeCall.once(Syscall.KILL, -group, 0, 0);
        return result == 0 || result == -Errno.EPERM.number();
    }

    /**
     * When the process started, in clock ticks after boot (field 22 of /proc/PID/stat); -1 when it is gone. Together
     * with the pid it names a process for good.
     */
    public static long startTime(int pid) {
        ProcessStat stat = stat(pid);
        return stat == null ? -1 : stat.startTime();
    }

    /** What /proc/PID/stat says; null when the process is gone. */
    public static @Nullable ProcessStat stat(int pid) {
        return ProcessStat.read(Path.of("/proc", Integer.toString(pid)));
    }

    private static void prctl(int option, long argument, String name) throws ErrnoException {
        NativeCall.check(NativeCall.once(Syscall.PRCTL, option, argument, 0), "prctl", name);
    }

    private static final class SignalFunction {
        static final MethodHandle HANDLE = NativeCall.function("signal");
    }
}
