package dev.jshim.node.process;

import dev.jshim.linux.ProcessId;
import dev.jshim.linux.ProcessStat;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What /proc said of a process, at one moment (proc(5)).
 *
 * @param stat its /proc/PID/stat
 * @param argv empty for one that has ended, and if it cannot be read
 * @param exe null if it cannot be read
 */
public record ProcessFacts(
        ProcessStat stat, List<String> argv, @Nullable Path exe) {
    /** Our launchers tell a JVM so by which name it was called. */
    private static final String OWN_NAME = "-Djshim.name=";

    private static final String JVM = "java";
    /** The process that stands for a shim, as long as that lives, and starts the JVM that does its work. */
    private static final String KEEPER = "jshim-keeper";

    public ProcessFacts {
        argv = List.copyOf(argv);
    }

    public ProcessId ref() {
        return new ProcessId(stat.pid(), stat.startTime());
    }

    public int pid() {
        return stat.pid();
    }

    public int ppid() {
        return stat.parent();
    }

    /** The letter of /proc/PID/stat: R, S, D, T, Z... */
    public char state() {
        return stat.state();
    }

    /** The kernel's name of it. */
    public String comm() {
        return stat.command();
    }

    /** Whether it has exited and only waits to be reaped. */
    public boolean hasEnded() {
        return stat.hasEnded();
    }

    /** The last part of argv[0]; the kernel's name if there is none. */
    public String program() {
        if (argv.isEmpty()) {
            return comm();
        }
        var first = argv.getFirst();
        return first.substring(first.lastIndexOf('/') + 1);
    }

    /** Whether it is the JVM of one of jshim's own shims, whose keeper that is. */
    public boolean isJvmOf(ProcessFacts keeper) {
        return ppid() == keeper.pid() && program().equals(JVM) && keeper.isKeeper();
    }

    /** Whether it is a keeper of jshim's; one that has replaced itself says no more of which shim. */
    public boolean isKeeper() {
        return program().equals(KEEPER);
    }

    /** What people know it by: as {@link #program}, but jshim's own shims are neither {@code java} nor their keeper. */
    public String name() {
        var program = program();
        return program.equals(JVM) || isKeeper()
                ? argv.stream()
                        .filter(word -> word.startsWith(OWN_NAME))
                        .map(word -> word.substring(OWN_NAME.length()))
                        .findFirst()
                        .orElse(program)
                : program;
    }
}
