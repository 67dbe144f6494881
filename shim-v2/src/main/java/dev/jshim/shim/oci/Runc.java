package dev.jshim.shim.oci;

import dev.jshim.linux.Deadline;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.ExitedChild;
import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import dev.jshim.linux.Processes;
import dev.jshim.linux.Spawn;
import dev.jshim.shim.keeper.FaultPoint;
import dev.jshim.shim.stdio.ProcessIo;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The OCI runtime's command line, as runc and crun have it in common.
 *
 * <p>Each call is a process group of its own with a deadline: one that hangs is killed, with what it has started (CRIU,
 * hooks), and reported, and holds up nobody but its caller. The container's own processes are in other groups: runtimes
 * give them sessions of their own. Thread-safe; calls run side by side.
 */
final class Runc {
    private static final Path NO_LOG = Path.of("/dev/null");
    private static final Duration SHORT = Duration.ofSeconds(30);
    private static final Duration LONG = Duration.ofMinutes(2);

    /** How long the kernel may take to end what was killed. */
    private static final Duration DEATH = Duration.ofSeconds(5);

    private static final Duration LOOK = Duration.ofMillis(10);

    private static final String STATE = "state-";
    /** Distinguishes the files of this process' calls from those of one that died over its own. */
    private static final String OWN = Processes.getpid() + "-";

    /**
     * Ours but for NOTIFY_SOCKET, which a containerd that systemd started hands on: runc would take it for its own and
     * `runc start` wait for the container to say that it is ready (go-runc command_linux.go, containerd v1.6.20).
     */
    private static final List<String> ENVIRONMENT = System.getenv().entrySet().stream()
            .filter(variable -> !variable.getKey().equals("NOTIFY_SOCKET"))
            .map(variable -> variable.getKey() + '=' + variable.getValue())
            .toList();

    private final AtomicLong calls = new AtomicLong();
    private final Reaper reaper;
    private final RuntimeOptions options;
    private final Path root;
    private final Path bundle;
    private volatile boolean keepsFolders;

    /** @param namespace containerd's, which names the root's folder */
    Runc(Reaper reaper, RuntimeOptions options, String namespace, Path bundle) {
        this.reaper = reaper;
        this.options = options;
        this.root = options.root().resolve(namespace);
        this.bundle = bundle;
    }

    /** The streams of a call; null is /dev/null. */
    record Streams(
            @Nullable Fd stdin,
            @Nullable Fd stdout,
            @Nullable Fd stderr,
            @Nullable Path consoleSocket) {
        static Streams of(ProcessIo io) {
            return new Streams(io.stdin(), io.stdout(), io.stderr(), io.consoleSocket());
        }

        /** What the command line has to say of a terminal. */
        List<String> flags() {
            return consoleSocket == null ? List.of() : List.of("--console-socket", consoleSocket.toString());
        }
    }

    /** The root with the namespace, where the runtime keeps its state of a container. */
    Path root() {
        return root;
    }

    String binary() {
        return options.binary();
    }

    /** Creates a container. Its streams are those of the call. */
    void create(String id, Path pidFile, Streams streams) {
        List<String> args = new ArrayList<>(List.of("create", "--bundle", bundle.toString()));
        args.addAll(List.of("--pid-file", pidFile.toString()));
        args.addAll(streams.flags());
        if (options.noPivotRoot()) {
            args.add("--no-pivot");
        }
        if (options.noNewKeyring()) {
            args.add("--no-new-keyring");
        }
        args.add(id);
        run("OCI runtime create failed", args, streams, LONG);
        noteFolder(id);
    }

    void start(String id) {
        call("OCI runtime start failed", List.of("start", id), LONG);
    }

    /**
     * Makes a container from a checkpoint and starts it. Its streams are those of the call.
     *
     * @param parent the directory of an earlier checkpoint that this one builds on, empty for none
     */
    void restore(String id, Path image, String parent, Path work, Path pidFile, Streams streams) {
        List<String> args = new ArrayList<>(List.of("restore", "--image-path", image.toString()));
        args.addAll(List.of("--work-path", work.toString()));
        if (!parent.isEmpty()) {
            args.addAll(List.of("--parent-path", parent));
        }
        args.addAll(List.of("--detach", "--pid-file", pidFile.toString()));
        args.addAll(streams.flags());
        if (options.noPivotRoot()) {
            args.add("--no-pivot");
        }
        // Not the Go shim's -no-subreaper: crun has no such flag, and a runc that does not wait has no use for it.
        args.addAll(List.of("--bundle", bundle.toString(), id));
        run("OCI runtime restore failed", args, streams, options.criuTimeout());
        noteFolder(id);
    }

    void checkpoint(String id, Path image, Path work, List<String> flags) {
        List<String> args = new ArrayList<>(List.of("checkpoint", "--image-path", image.toString()));
        args.addAll(List.of("--work-path", work.toString()));
        args.addAll(flags);
        args.add(id);
        call("OCI runtime checkpoint failed", args, options.criuTimeout());
    }

    /** @param resources a file with the spec's LinuxResources, which the runtime reads as its standard input */
    void update(String id, Fd resources) {
        var log = log();
        try (var words = words(log)) {
            var streams = new Streams(resources, null, words, null);
            run("OCI runtime update failed", List.of("update", "--resources=-", id), streams, log, SHORT);
        }
    }

    /** Runs a process in a container and leaves it running. */
    void exec(String id, Path processFile, Path pidFile, Streams streams) {
        List<String> args = new ArrayList<>(List.of("exec", "--process", processFile.toString()));
        args.addAll(streams.flags());
        args.addAll(List.of("--detach", "--pid-file", pidFile.toString(), id));
        run("OCI runtime exec failed", args, streams, LONG);
    }

    void kill(String id, int signal, boolean all) {
        var args = all
                ? List.of("kill", "--all", id, Integer.toString(signal))
                : List.of("kill", id, Integer.toString(signal));
        call("OCI runtime kill failed", args, SHORT);
    }

    void pause(String id) {
        call("OCI runtime pause failed", List.of("pause", id), SHORT);
    }

    void resume(String id) {
        call("OCI runtime resume failed", List.of("resume", id), SHORT);
    }

    void delete(String id, boolean force) {
        var args = force ? List.of("delete", "--force", id) : List.of("delete", id);
        call("failed to delete task", args, SHORT);
    }

    /** The bundle of a container, as the runtime says; empty if it says none, as for one that is half made. */
    Optional<Path> bundleOf(String id) throws IOException {
        return RuncState.bundle(state(id));
    }

    /** What a container does, as the runtime says; empty if it says nothing. */
    String status(String id) throws IOException {
        return RuncState.status(state(id));
    }

    /** What the runtime prints of a container's state; empty if it knows none. */
    private String state(String id) throws IOException {
        var answer = hasBundle()
                ? bundle.resolve(STATE + OWN + calls.incrementAndGet() + ".json")
                : Files.createTempFile("jshim-state-", ".json");
        try (var out = FileCalls.open(answer, OpenFlags.O_WRONLY | OpenFlags.O_CREAT, 0600)) {
            run("OCI runtime state failed", List.of("state", id), new Streams(null, out, null, null), SHORT);
            return Files.readString(answer);
        } catch (ShimException e) {
            ShimLog.debug("the runtime knows nothing of a container", "id", id, "error", e.getMessage());
            return "";
        } finally {
            deleteQuietly(answer);
        }
    }

    /** Whether the runtime has a container of that id, if it keeps a folder for each as runc and crun do. */
    boolean knows(String id) {
        return Files.exists(root.resolve(id));
    }

    /** That a process before this one has made a container. */
    void created(String id) {
        noteFolder(id);
    }

    private void noteFolder(String id) {
        if (knows(id)) {
            keepsFolders = true;
        }
    }

    /** Whether a failure says that the runtime has no such container any more; others keep no folders, as runsc. */
    boolean lost(String id, ShimException failure) {
        return (keepsFolders && !knows(id))
                || String.valueOf(failure.getMessage()).contains("does not exist");
    }

    /** A call that starts no process of the container's. */
    private void call(String failure, List<String> args, Duration deadline) {
        var log = log();
        try (var words = words(log)) {
            run(failure, args, new Streams(null, null, words, null), log, deadline);
        }
    }

    private void run(String failure, List<String> args, Streams streams, Duration deadline) {
        run(failure, args, streams, log(), deadline);
    }

    private Path log() {
        return hasBundle() ? bundle.resolve(RuncLog.NAME + OWN + calls.incrementAndGet() + ".json") : NO_LOG;
    }

    /**
     * Waits for calls that a process before this one has begun, each as long as it might take if it had just begun; one
     * that takes longer is killed. Then takes their files away.
     */
    void await(List<RuntimeCalls.Call> before) {
        for (var call : before) {
            var pid = call.process().pid();
            var patience = call.takesLong() ? options.criuTimeout() : LONG;
            try {
                var _ = reaper.adopt(call.process()).get(patience.toMillis(), TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                ShimLog.warn(
                        "a call of the previous JVM does not end; killing it", "runtime", options.binary(), "pid", pid);
                end(pid);
            } catch (ExecutionException e) {
                throw new IllegalStateException(e); // An exit that is lost is an exit, too.
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
            reaper.forget(call.process());
        }
        discardFiles();
    }

    private void discardFiles() {
        if (!hasBundle()) {
            return;
        }
        try (var files = Files.newDirectoryStream(bundle, "{" + RuncLog.NAME + "," + STATE + "}*")) {
            for (var file : files) {
                var name = file.getFileName().toString();
                if (!name.startsWith(RuncLog.NAME + OWN) && !name.startsWith(STATE + OWN)) {
                    deleteQuietly(file);
                }
            }
        } catch (IOException e) {
            ShimLog.warn("cannot remove a runtime's files", "bundle", bundle, "error", e.getMessage());
        }
    }

    private void run(String failure, List<String> args, Streams streams, Path log, Duration deadline) {
        try {
            var child = await(args.getFirst(), command(log, args), streams, deadline);
            if (child.signalled() || child.status() != 0) {
                throw new ShimException(ShimException.Kind.UNKNOWN, failure + ": " + reason(log, child));
            }
        } finally {
            deleteQuietly(log);
        }
    }

    /** What a runtime says before it has read its flags, and has no log yet, goes into the same file. */
    private static @Nullable Fd words(Path log) {
        try {
            return FileCalls.open(
                    log, OpenFlags.O_WRONLY | OpenFlags.O_CREAT | OpenFlags.O_APPEND | OpenFlags.O_CLOEXEC, 0600);
        } catch (ErrnoException e) {
            ShimLog.warn("cannot make a runtime's log", "file", log, "error", e.getMessage());
            return null;
        }
    }

    private List<String> command(Path log, List<String> args) {
        List<String> command = new ArrayList<>(List.of("--root", root.toString()));
        command.addAll(List.of("--log", log.toString(), "--log-format", "json"));
        if (options.systemdCgroup()) {
            command.add("--systemd-cgroup");
        }
        command.addAll(args);
        return command;
    }

    private ExitedChild await(String verb, List<String> command, Streams streams, Duration deadline) {
        FaultPoint.at("task-call-" + verb);
        try (var window = reaper.open()) {
            var pid = Spawn.command(options.binary(), command)
                    .directory(hasBundle() ? bundle : Path.of("/"))
                    .environment(ENVIRONMENT)
                    .stdin(streams.stdin())
                    .stdout(streams.stdout())
                    .stderr(streams.stderr())
                    .newGroup(true)
                    .start();
            window.spawned();
            var exited = window.claim(pid);
            FaultPoint.at("task-called-" + verb);
            try {
                var end = exited.get(deadline.toMillis(), TimeUnit.MILLISECONDS);
                FaultPoint.at("task-ended-" + verb);
                return end;
            } catch (TimeoutException e) {
                end(pid);
                throw new ShimException(
                        ShimException.Kind.DEADLINE_EXCEEDED,
                        options.binary() + " " + verb + " did not end within " + deadline.toSeconds()
                                + " s and was killed, together with its children",
                        e);
            }
        } catch (ErrnoException e) {
            throw new ShimException(
                    ShimException.Kind.UNKNOWN,
                    "OCI runtime " + options.binary() + " cannot be run: " + e.errno()
                            + "; install it or name another one in the runtime's options",
                    e);
        } catch (ExecutionException e) {
            throw new ShimException(ShimException.Kind.INTERNAL, "waiting for " + options.binary() + " failed", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ShimException(ShimException.Kind.UNAVAILABLE, "interrupted", e);
        }
    }

    /** Ends a call and all that it has started; what CRIU held goes on once CRIU is gone. */
    private void end(int leader) {
        try {
            if (!reaper.signalGroup(leader, Processes.SIGKILL)) {
                return;
            }
        } catch (ErrnoException e) {
            ShimLog.warn("cannot be killed", "runtime", options.binary(), "process_group", leader, "error", e);
            return;
        }
        var deadline = Deadline.in(DEATH);
        while (Processes.groupExists(leader)) {
            if (deadline.isOver()) {
                ShimLog.warn("killed, but still running", "runtime", options.binary(), "process_group", leader);
                return;
            }
            LockSupport.parkNanos(LOOK.toNanos());
        }
    }

    private static String reason(Path log, ExitedChild child) {
        var message = RuncLog.lastError(log);
        if (!message.isEmpty()) {
            return message;
        }
        return child.signalled() ? "killed by signal " + child.status() : "exit status " + child.status();
    }

    /** A daemon that has given a container up takes its bundle away, whatever is still to be cleared away here. */
    private boolean hasBundle() {
        return Files.isDirectory(bundle);
    }

    private static void deleteQuietly(Path file) {
        if (file.equals(NO_LOG)) {
            return;
        }
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            ShimLog.warn("cannot delete a runtime's log", "file", file, "error", e.getMessage());
        }
    }
}
