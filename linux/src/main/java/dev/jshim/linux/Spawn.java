package dev.jshim.linux;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Starts a child by posix_spawn(3): every descriptor that is not named here is closed in it, every signal has its
 * default again, none is blocked. The umask and the resource limits are this process', but for what {@link OpenFiles}
 * has raised.
 *
 * <p>The caller (or the process' reaper) waits for the child, see {@link Wait}. A builder is used by one thread.
 */
public final class Spawn {
    private final String command;
    private final List<String> arguments;
    private final TreeMap<Integer, @Nullable Fd> descriptors = new TreeMap<>();
    private @Nullable List<String> environment;
    private @Nullable Path directory;
    private boolean newGroup;

    private Spawn(String command, List<String> arguments) {
        this.command = command;
        this.arguments = List.copyOf(arguments);
        descriptors.put(0, null);
        descriptors.put(1, null);
        descriptors.put(2, null);
    }

    /**
     * Links what {@link #start} and every system call needs, which takes the first of them 15 to 30 ms; for a thread
     * that has nothing better to do. Does nothing the second time.
     */
    public static void link() {
        var _ = NativeCall.once(Syscall.GETPID, 0, 0, 0);
        var _ = SpawnFunctions.SPAWN;
    }

    /**
     * A child to be.
     *
     * @param command a path, or a name without '/' that is looked up in PATH of the child's environment
     * @param arguments without the command itself, which becomes argv[0] as it is written here
     */
    public static Spawn command(String command, List<String> arguments) {
        return new Spawn(command, arguments);
    }

    /** The whole environment, as NAME=value. Without this call it is this process' own. */
    public Spawn environment(List<String> environment) {
        this.environment = List.copyOf(environment);
        return this;
    }

    /** The whole environment, by name. */
    public Spawn environment(Map<String, String> environment) {
        return environment(asList(environment));
    }

    /** The working directory; a relative command is looked for there. Without this call it is this process' own. */
    public Spawn directory(Path directory) {
        this.directory = directory;
        return this;
    }

    /** Standard input; null, as without this call, is /dev/null. The descriptor stays the caller's, here and below. */
    public Spawn stdin(@Nullable Fd fd) {
        descriptors.put(0, fd);
        return this;
    }

    /** Standard output; null is /dev/null. */
    public Spawn stdout(@Nullable Fd fd) {
        descriptors.put(1, fd);
        return this;
    }

    /** Standard error; null is /dev/null. */
    public Spawn stderr(@Nullable Fd fd) {
        descriptors.put(2, fd);
        return this;
    }

    /** One more descriptor, which the child finds under that number (3 and up). */
    public Spawn extra(Fd fd, int asNumber) {
        if (asNumber < 3) {
            throw new IllegalArgumentException("extra descriptor as number " + asNumber);
        }
        descriptors.put(asNumber, fd);
        return this;
    }

    /** Whether the child leads a process group of its own, by which all that it starts can be ended with it. */
    public Spawn newGroup(boolean newGroup) {
        this.newGroup = newGroup;
        return this;
    }

    /**
     * Starts it; returns when the program has been loaded. A reaper may have seen the child's end before the pid is
     * known here.
     *
     * @return the pid
     * @throws ErrnoException ENOENT, EACCES, ... also for the directory. The half-made child has been reaped by glibc;
     *     a thread in {@link Wait#any} can see it for a moment
     */
    public int start() throws ErrnoException {
        List<String> variables = environment == null ? asList(System.getenv()) : environment;
        String program =
                command.indexOf('/') >= 0 ? command : SearchPath.of(variables).find(command);
        Path chdir = directory;
        if (chdir != null && SpawnFunctions.ADD_CHDIR == null) {
            return (int) DirectoryThread.run(chdir, () -> start(program, variables, null));
        }
        return start(program, variables, chdir);
    }

    private int start(String program, List<String> variables, @Nullable Path chdir) throws ErrnoException {
        try (Memory memory = new Memory();
                SpawnAttributes attributes = new SpawnAttributes(memory, newGroup);
                SpawnActions actions = new SpawnActions(memory, SpawnFunctions.ADD_CLOSE_FROM)) {
            if (chdir != null) {
                actions.changeDirectory(chdir);
            }
            actions.descriptors(descriptors);
            Memory.Block pid = memory.block(4);
            int error;
            long environment = memory.texts(variables);
            HugePages.beforeSpawn();
            List<String> before = OpenFiles.beforeSpawn();
            try {
                if (!before.isEmpty()) {
                    requireExecutable(program, chdir);
                }
                error = NativeCall.call(
                        SpawnFunctions.SPAWN,
                        pid.address(),
                        memory.text(before.isEmpty() ? program : before.getFirst()),
                        actions.address(),
                        attributes.address(),
                        memory.texts(argv(before, program)),
                        environment);
            } finally {
                OpenFiles.afterSpawn(before);
                HugePages.afterSpawn();
            }
            if (error != 0) {
                throw new ErrnoException("spawn", chdir == null ? program : program + " in " + chdir, error);
            }
            return pid.buffer().getInt(0);
        }
    }

    private List<String> argv(List<String> before, String program) {
        List<String> argv = new ArrayList<>(before);
        argv.add(before.isEmpty() ? command : program);
        argv.addAll(arguments);
        return argv;
    }

    /** What posix_spawn(3) would say, if it starts another program that is to become this one. */
    private static void requireExecutable(String program, @Nullable Path directory) throws ErrnoException {
        Path file = directory == null ? Path.of(program) : directory.resolve(program);
        if (!Files.isRegularFile(file) || !Files.isExecutable(file)) {
            throw new ErrnoException("spawn", program, Files.exists(file) ? Errno.EACCES : Errno.ENOENT);
        }
    }

    private static List<String> asList(Map<String, String> environment) {
        List<String> list = new ArrayList<>(environment.size());
        environment.forEach((name, value) -> list.add(name + '=' + value));
        return list;
    }
}
