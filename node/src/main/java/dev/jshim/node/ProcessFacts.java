package dev.jshim.node;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What /proc said of a process, at one moment (proc(5)).
 *
 * @param state the letter of /proc/PID/stat: R, S, D, T, Z...
 * @param argv empty for a zombie, and where it cannot be read
 * @param exe null where it cannot be read
 */
public record ProcessFacts(
        ProcessRef ref,
        char state,
        int ppid,
        String comm,
        List<String> argv,
        @Nullable Path exe) {
    /** Our launchers tell a JVM so by which name it was called. */
    private static final String OWN_NAME = "-Djshim.name=";

    public ProcessFacts {
        argv = List.copyOf(argv);
    }

    public int pid() {
        return ref.pid();
    }

    /** Whether it has exited and only waits to be reaped. */
    public boolean isZombie() {
        return state == 'Z' || state == 'X';
    }

    /** The last part of argv[0]; the kernel's name where there is none. */
    public String program() {
        if (argv.isEmpty()) {
            return comm;
        }
        var first = argv.getFirst();
        return first.substring(first.lastIndexOf('/') + 1);
    }

    /** What people know it by: as {@link #program}, but jshim's own shims are not {@code java}. */
    public String name() {
        var program = program();
        return program.equals("java")
                ? argv.stream()
                        .filter(word -> word.startsWith(OWN_NAME))
                        .map(word -> word.substring(OWN_NAME.length()))
                        .findFirst()
                        .orElse(program)
                : program;
    }
}
