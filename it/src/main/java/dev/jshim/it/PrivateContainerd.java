package dev.jshim.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A containerd of one's own: folder, socket and namespace carry one random name, by which all that it leaves behind is
 * found again. The daemon can be stopped, killed, and started again in another version on the same folders.
 *
 * <p>Used by one thread, but that several may run ctr and {@link #attach}. {@link #close} cleans up whatever happened.
 */
public final class PrivateContainerd implements AutoCloseable {
    private static final String TERMINAL_SIZE = "stty rows 33 cols 77; exec ";
    private static final Duration ANSWER = Duration.ofSeconds(60);
    private static final Duration STOP = Duration.ofSeconds(20);
    private static final Duration QUIET = Duration.ofSeconds(30);

    private final String name;
    private final Path dir;
    private final Leftovers leftovers;
    private final List<AutoCloseable> attached = new ArrayList<>();
    private final DaemonEnvironment environment;
    private final Configuration configuration;
    private Release release;
    private final DaemonProcess process;
    private @Nullable Path copy;
    private String stateName = "s";
    private String socketName = "c.sock";
    private String more = "";
    private boolean logsEvents;
    private final AtomicInteger made = new AtomicInteger();

    /** The text of the daemon's configuration file. */
    interface Configuration {
        String text(Release release, PrivateContainerd node);
    }

    private PrivateContainerd(Release release, Configuration configuration) {
        this.release = release;
        this.configuration = configuration;
        name = "jt%06x".formatted(ThreadLocalRandom.current().nextInt(1 << 24));
        dir = Path.of("/tmp", name);
        leftovers = Leftovers.of(name);
        environment = new DaemonEnvironment(dir);
        process = new DaemonProcess(log(), STOP, false);
    }

    /** Makes the folders; the daemon is not started yet. */
    public static PrivateContainerd create(Release release) {
        return create(release, (running, node) -> running.config(node.root(), node.state(), node.socket()));
    }

    /** The same, with a configuration that is asked for at each start. */
    static PrivateContainerd create(Release release, Configuration configuration) {
        PrivateContainerd made = new PrivateContainerd(release, configuration);
        try {
            Files.createDirectory(made.dir);
            Files.createDirectory(made.dir.resolve("fifo"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return made;
    }

    /** Before its first start: gives its state directory a name for which no socket in it has an address. */
    void haveLongState() {
        stateName = "s".repeat(100);
    }

    /** Before its first start: names the OCI runtime that its shims find as runc. */
    void use(Engine engine) {
        try {
            environment.use(engine);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Makes the folders and starts the daemon. */
    public static PrivateContainerd started(Release release) {
        PrivateContainerd made = create(release);
        try {
            made.start();
        } catch (RuntimeException e) {
            made.close();
            throw e;
        }
        return made;
    }

    /** From its next start on the daemon, and all it starts, has this variable. */
    public void setVariable(String name, String value) {
        environment.set(name, value);
    }

    /**
     * From its next start on our shims read this instead of the machine's own configuration, and stay for 3 s where
     * they otherwise stay for 10. Returns the file, which may be written again.
     */
    Path configure(String toml) {
        return environment.configure(toml);
    }

    /** From its next start on the daemon, and all it starts, finds every program of the system but this one. */
    public void hide(String program) {
        try {
            environment.hide(program, release);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** From its next start on the daemon, and all it starts, finds programs of this folder before the system's. */
    public void prefer(Path folder) {
        environment.prefer(folder);
    }

    /** From its next start on the daemon is started by this program, which becomes the daemon. */
    void wrap(List<String> program) {
        environment.wrap(program);
    }

    /** From its next start on the daemon listens on another socket in the same folder. */
    public void moveSocket(String name) {
        socketName = name;
    }

    /** From its next start on the daemon has this at the end of its configuration, until another version is started. */
    public void addConfiguration(String toml) {
        more = toml;
    }

    /** From its next start on the daemon's log has each event that it takes, also those that nobody can hear yet. */
    public void logEvents() {
        logsEvents = true;
    }

    /** From its next start on the daemon runs from a copy of its program, which {@link #removeCopy} takes away. */
    public void runFromCopy() {
        runFromCopy("containerd");
    }

    /** The same with another name, by which the kernel and ps know the daemon too. */
    void runFromCopy(String program) {
        copy = dir.resolve(program);
    }

    /** Removes the copy: a command line that names it finds nothing there. */
    public void removeCopy() {
        Path made = copy;
        if (made == null) {
            return;
        }
        try {
            Files.deleteIfExists(made);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        copy = null;
    }

    /** Starts the daemon and waits until it answers on its socket. */
    public void start() {
        try {
            Path config = dir.resolve("config.toml");
            String text = configuration.text(release, this) + more;
            Files.writeString(config, logsEvents ? text.replace("level = \"info\"", "level = \"trace\"") : text);
            Path daemonProgram = copy == null
                    ? release.daemon()
                    : Files.copy(
                            release.daemon(),
                            copy,
                            StandardCopyOption.COPY_ATTRIBUTES,
                            StandardCopyOption.REPLACE_EXISTING);
            process.start(
                    "containerd " + release,
                    environment.builder(release, List.of(daemonProgram.toString(), "--config", config.toString())),
                    () -> Files.exists(socket()) && raw("version").code() == 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Ends the daemon with SIGTERM; nothing happens if it does not run. */
    public void stop() {
        process.end(false);
    }

    /** Ends the daemon with SIGKILL. */
    public void kill9() {
        process.end(true);
    }

    /** Stops the daemon, if it runs, and starts another version on the same folders. */
    public void switchTo(Release other) {
        stop();
        install(other);
        start();
    }

    /** From its next start on the daemon is one of this version. */
    void install(Release other) {
        release = other;
        more = "";
    }

    /** A program that is yet to be started, with the environment that the daemon has. */
    ProcessBuilder builder(List<String> command) {
        return environment.builder(release, command);
    }

    /**
     * The daemon's process.
     *
     * @throws IllegalStateException if it does not run
     */
    public long pid() {
        return process.pid();
    }

    /** The version that runs, or ran last. */
    public Release release() {
        return release;
    }

    public String namespace() {
        return name;
    }

    public Path dir() {
        return dir;
    }

    public Path root() {
        return dir.resolve("r");
    }

    public Path state() {
        return dir.resolve(stateName);
    }

    public Path socket() {
        return dir.resolve(socketName);
    }

    public Path log() {
        return dir.resolve("log");
    }

    /** What the daemons have logged so far. */
    public String logText() {
        return process.logText();
    }

    /** The bundle of a task of the second shim API. */
    public Path bundle(String id) {
        return state().resolve("io.containerd.runtime.v2.task").resolve(name).resolve(id);
    }

    /** The bundle of a task of the first shim API. */
    public Path legacyBundle(String id) {
        return state().resolve(Product.LEGACY).resolve(name).resolve(id);
    }

    /** The directory in which a shim of the first API keeps its logs. */
    public Path legacyWork(String id) {
        return root().resolve(Product.LEGACY).resolve(name).resolve(id);
    }

    /** Runs {@code ctr} of the running version in the own namespace. */
    public Outcome ctr(String... args) {
        return Run.of(command(name, args)).run();
    }

    /** As {@link #ctr}, and talks with what it runs. */
    Outcome ctr(List<Turn> talk, String... args) {
        return Run.of(command(name, args)).talk(talk).run();
    }

    /**
     * As {@link #ctr}, on a terminal of its own with 33 rows and 77 columns, for {@code -t}: by script(1), which passes
     * the exit code on.
     */
    Outcome ctrOnTerminal(List<Turn> talk, String... args) {
        return onTerminal(command(name, args)).talk(talk).run();
    }

    /** A command on a terminal of its own, to be run: see {@link #ctrOnTerminal}. */
    static Run onTerminal(List<String> command) {
        String line = command.stream()
                .map(word -> "'" + word.replace("'", "'\\''") + "'")
                .collect(Collectors.joining(" "));
        return Run.of(
                List.of("/usr/bin/script", "--quiet", "--return", "--command", TERMINAL_SIZE + line, "/dev/null"));
    }

    /**
     * Runs a container in the foreground that says again what it reads on its standard input, until the end of that.
     *
     * <p>The end comes once all was heard: an end of file that ctr sees before the task runs is lost, with every
     * version of it, and the container then waits forever.
     */
    public Outcome runWithInput(byte[] stdin, String runtime, String id, String... argv) {
        String[] args = runArgs(runtime, List.of("--rm"), id, argv).toArray(String[]::new);
        return Run.of(command(name, args)).echoed(stdin).run();
    }

    /** Runs {@code ctr} in a namespace beside the own one: the own name and a suffix, so that it is cleaned up too. */
    public Outcome ctrBeside(String suffix, String... args) {
        return ctrIn(name + suffix, args);
    }

    /** Runs {@code ctr} in any namespace of this daemon. */
    Outcome ctrIn(String namespace, String... args) {
        return Run.of(command(namespace, args)).run();
    }

    private Outcome raw(String... args) {
        return Run.of(command(name, args)).within(ANSWER).run();
    }

    /** The command line of {@code ctr} of the running version in the own namespace, for a run that is timed. */
    public List<String> ctrCommand(List<String> args) {
        return command(name, args.toArray(String[]::new));
    }

    /** The same in a namespace beside the own one, see {@link #ctrBeside}. */
    public List<String> ctrCommandBeside(String suffix, List<String> args) {
        return command(name + suffix, args.toArray(String[]::new));
    }

    /** To be called by who makes tasks of this daemon without its ctr: see {@link Leftovers#rememberSockets}. */
    void rememberSockets() {
        leftovers.rememberSockets();
    }

    List<String> command(String namespace, String... args) {
        rememberSockets();
        List<String> command =
                new ArrayList<>(List.of(release.ctr().toString(), "-a", socket().toString(), "-n", namespace));
        command.addAll(List.of(args));
        return command;
    }

    /** The arguments of {@code ctr run} for a container on a root file system of its own. */
    public List<String> runArgs(String runtime, List<String> flags, String id, String... argv) {
        return runArgs(runtime, flags, rootfs(), id, argv);
    }

    /** The arguments of {@code ctr run} for a container on that root file system. */
    public List<String> runArgs(String runtime, List<String> flags, Path rootfs, String id, String... argv) {
        List<String> args = new ArrayList<>(List.of("run", "--runtime", runtime, "--fifo-dir", fifos()));
        args.addAll(flags);
        args.add("--rootfs");
        args.add(rootfs.toString());
        args.add(id);
        args.addAll(List.of(argv));
        return args;
    }

    /** A new folder for FIFOs, so that a scenario finds those of one process. */
    public String fifos() {
        return dir.resolve("fifo")
                .resolve(Integer.toString(made.getAndIncrement()))
                .toString();
    }

    /** A new root file system. */
    public Path rootfs() {
        try {
            return Rootfs.make(dir.resolve("rootfs" + made.getAndIncrement()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Runs a container in the foreground until it ends, and removes it. */
    public Outcome run(String runtime, String id, String... argv) {
        return ctr(runArgs(runtime, List.of("--rm"), id, argv).toArray(String[]::new));
    }

    /** The same, and talks with it, so that all of its output is heard: see {@link Turn}. */
    Outcome run(List<Turn> talk, String runtime, String id, String... argv) {
        return ctr(talk, runArgs(runtime, List.of("--rm"), id, argv).toArray(String[]::new));
    }

    /** Runs a container in the foreground that says a word; answers what was heard. */
    String say(String runtime, String id, String word) {
        List<Turn> talk = List.of(Turn.afterwards(word));
        return run(talk, runtime, id, "/bin/sh", "-c", "echo " + word + "; " + Turn.HEARD)
                .ok()
                .out();
    }

    /** Starts a container in the background and returns its init process. */
    public ProcessFacts runDetached(String runtime, String id, String... argv) {
        ctr(runArgs(runtime, List.of("-d"), id, argv).toArray(String[]::new)).ok();
        return init(id);
    }

    /** The init process of a task, as {@code ctr task ls} names it. */
    public ProcessFacts init(String id) {
        return ProcessFacts.of(Tasks.of(this).get(id).pid());
    }

    /** Runs a process in a container and waits for its end. */
    public Outcome exec(String id, String execId, String... argv) {
        return execRun(new byte[0], id, execId, argv).run();
    }

    /** The same, and talks with it, so that all of its output is heard: see {@link Turn}. */
    Outcome exec(List<Turn> talk, String id, String execId, String... argv) {
        return execRun(new byte[0], id, execId, argv).talk(talk).run();
    }

    /** Has a process in a container say a line that it has read, and end with its input; answers what was heard. */
    public String echo(String id, String execId, String line) {
        byte[] bytes = (line + "\n").getBytes(StandardCharsets.UTF_8);
        return execRun(bytes, id, execId, "/bin/cat").echoed(bytes).run().ok().out();
    }

    /**
     * A process in a container that reads something on its standard input until its end, to be run.
     *
     * <p>ctr loses an end of input that it sees before it has created the exec.
     */
    Run execRun(byte[] stdin, String id, String execId, String... argv) {
        List<String> args = new ArrayList<>(List.of("task", "exec", "--fifo-dir", fifos(), "--exec-id", execId, id));
        args.addAll(List.of(argv));
        return Run.of(command(name, args.toArray(String[]::new)))
                .stdin(
                        stdin,
                        () -> stdin.length == 0 || ProcessList.of(this, id).hasExec(execId));
    }

    /** Kills what runs in a container, then deletes its task and its record. */
    public void remove(String id) {
        kill(id);
        ctr("task", "rm", id);
        ctr("container", "rm", id).ok();
    }

    /** A kill that is refused is said again; one that was taken must do. */
    private void kill(String id) {
        AtomicBoolean taken = new AtomicBoolean();
        Wait.until("task " + id + " stopped", () -> {
            if (!taken.get()) {
                taken.set(ctr("task", "kill", "-s", "KILL", "-a", id).code() == 0);
            }
            // One whose state comes late is UNKNOWN for containerd.
            Tasks tasks = Tasks.of(this);
            return !tasks.has(id) || tasks.get(id).status().equals("STOPPED");
        });
    }

    /** One line for everything on the machine that belongs to this daemon now, its own process among it. */
    List<String> traces() {
        return leftovers.list();
    }

    /** Closes something together with this containerd. */
    <T extends AutoCloseable> T attach(T resource) {
        synchronized (attached) {
            attached.add(resource);
        }
        return resource;
    }

    /** Lets {@link #finish} pass over stale sockets: a Go shim that was killed leaves its own. */
    public void forgiveStaleSockets() {
        leftovers.forgiveStaleSockets();
    }

    /**
     * Stops the daemon and waits, at most 30 s, until nothing of it is left on the machine.
     *
     * @throws IllegalStateException that names all that is left
     */
    public void finish() {
        finish(QUIET);
    }

    /** The same, with another bound. */
    public void finish(Duration limit) {
        closeAttached();
        stop();
        leftovers.assertNone(limit);
    }

    private void closeAttached() {
        List<AutoCloseable> all;
        synchronized (attached) {
            all = List.copyOf(attached);
            attached.clear();
        }
        for (AutoCloseable resource : all.reversed()) {
            try {
                resource.close();
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /** Kills, unmounts and removes whatever is left of this containerd, and nothing else. */
    @Override
    public void close() {
        try {
            closeAttached();
            kill9();
        } finally {
            leftovers.remove();
        }
    }
}
