package dev.jshim.shim;

import com.google.protobuf.Any;
import dev.jshim.linux.Errno;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import dev.jshim.linux.ProcessId;
import dev.jshim.linux.Processes;
import dev.jshim.shim.config.Grouping;
import dev.jshim.shim.config.Key;
import dev.jshim.shim.config.Options;
import dev.jshim.shim.config.Settings;
import dev.jshim.shim.keeper.Keeper;
import dev.jshim.shim.keeper.ShimPid;
import dev.jshim.shim.oci.BundleFiles;
import dev.jshim.shim.oci.Spec;
import dev.jshim.task.Ids;
import dev.jshim.task.ShimLog;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * {@code start}: joins the group's shim, or becomes it.
 *
 * <p>The process that was started answers and stays: containerd waits for the launcher script only, so that one JVM
 * start is all that a container costs. Mirrors cmd/containerd-shim-runc-v2/manager (v2.1.4).
 */
final class Start {
    /** Starts of a group that come and go at the same moment get in each other's way no more often than this. */
    private static final int TRIES = 10;

    /** The command of a process that takes the place of a shim's: jshimctl writes it, and the keeper runs it. */
    static final String SERVE = "serve";

    /**
     * How long the shim of a whole node stays after its last container: the next one finds it warm. A property for the
     * tests, in seconds.
     */
    private static final Duration SHARED_IDLE = Duration.ofSeconds(Integer.getInteger("jshim.grace", 300));

    private final Flags flags;
    private final Path bundle;
    private final Function<Path, Any> lesser;
    private final @Nullable Keeper keeper;
    private final StartReply reply = new StartReply();

    /**
     * @param bundle the working directory that containerd gave
     * @param lesser options that hold if a container's own say nothing, by its bundle
     * @param keeper of this process, null for none; it holds nothing yet
     */
    Start(Flags flags, Path bundle, Function<Path, Any> lesser, @Nullable Keeper keeper) {
        this.flags = flags;
        this.bundle = bundle;
        this.lesser = lesser;
        this.keeper = keeper;
    }

    /**
     * Starts a shim, or goes on as the one whose JVM has died.
     *
     * @return the exit code
     */
    static int run(Flags flags, Function<Path, Any> lesser) throws IOException, InterruptedException {
        HeadStart.begin();
        var keeper = Keeper.inherited();
        if (keeper != null) {
            Housekeeping.raiseOpenFiles(); // before they come: the keeper has given us the limit that it found
            var held = keeper.takeAll();
            for (var each : held) {
                if (each.isListening()) {
                    new Restart(keeper, held, each, lesser).run();
                    return 0;
                }
            }
            if (keeper.restarts() > 0) {
                // The one before was about to end, and had let go of its socket.
                keeper.end();
                return 0;
            }
        }
        if (flags.command().equals(SERVE)) {
            return serveNobody(keeper);
        }
        return new Start(flags, Path.of(System.getProperty("jshim.bundle", "")).toAbsolutePath(), lesser, keeper).run();
    }

    private static int serveNobody(@Nullable Keeper keeper) {
        if (keeper == null) {
            System.err.println(BinaryName.text() + ": " + SERVE + " is only for the keeper of a running shim");
            return 2;
        }
        keeper.end(); // The shim has come to its end in this very moment.
        return 0;
    }

    /** Answers the launcher, and then returns when the shim is to end, at once if it has joined another one. */
    int run() throws ErrnoException {
        try {
            requireFlags();
            var input = StartInput.of(
                    StartInput.stdin(Integer.getInteger("jshim.launcher", 0)), flags, System.getenv("TTRPC_ADDRESS"));
            var settings = Options.read(input.options());
            var caller = ProcessId.of(Integer.getInteger("jshim.caller", 0));
            var generation =
                    input.bootstrap() ? Generation.V2 : Generation.of(caller.pid(), System.getenv("MAX_SHIM_VERSION"));
            run(input, settings, caller, generation);
            return 0;
        } catch (IOException | RuntimeException e) {
            reply.error(e.getMessage() == null ? e.toString() : e.getMessage());
            return 1;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return 1;
        }
    }

    private void requireFlags() {
        if (flags.namespace().isEmpty()) {
            throw new IllegalArgumentException("flag -namespace is missing: give it as containerd does");
        }
        Ids.requireSafe("namespace", flags.namespace());
        Ids.requireSafe("container id", flags.id());
    }

    /**
     * With {@code sandboxer = "shim"} containerd 2.x starts a shim for each pod's sandbox, in a bundle of its own kind
     * without a spec (plugins/sandbox/controller.go, v2.1.9), and calls a service that we do not have.
     */
    private void refuseSandbox() throws IOException {
        for (var folder : bundle.toAbsolutePath()) {
            if (folder.toString().startsWith("io.containerd.sandbox.controller.")) {
                throw new IOException(
                        "this shim has no sandbox service: set sandboxer = \"podsandbox\" for the runtime in"
                                + " containerd's configuration, or leave it out");
            }
        }
    }

    private void run(StartInput input, Settings settings, ProcessId caller, Generation generation)
            throws IOException, InterruptedException {
        refuseSandbox();
        var group = Group.of(settings.grouping(), Spec.read(bundle), flags.id());
        var folder = GroupFolder.of(flags.address(), flags.namespace(), group);
        var running = folder.join();
        for (var tries = 0; running == null; tries++) {
            var socket = folder.socket(input.socketDir());
            var answer = Reply.choose(settings.taskApi(), settings.protocol(), socket, generation);
            var self = ProcessId.of(ShimPid.get());
            if (folder.claim(new GroupRecord(self, 3, settings.protocol(), socket, caller, answer.text()))) {
                awaitEnd(folder, serve(folder, input, settings, generation, answer));
                return;
            }
            if (tries == TRIES) {
                throw new IOException("shims of the group come and go at " + socket);
            }
            running = folder.join();
        }
        var answer = Reply.choose(settings.taskApi(), running.protocol(), running.socket(), generation)
                .atMost(running.taskApi());
        folder.remember(running.answered(caller, answer.text()));
        writeBundle(answer, running.shim().pid());
        reply.ok(answer.text());
    }

    /**
     * What throws here ends this process and not the shim: with a keeper the next one goes on, from the notes in the
     * folder.
     */
    private void awaitEnd(GroupFolder folder, Daemon daemon) throws InterruptedException {
        if (keeper == null) {
            try {
                daemon.awaitEnd();
            } finally {
                folder.remove();
            }
        } else {
            daemon.awaitEnd();
            folder.remove();
            keeper.end();
        }
    }

    /** containerd reads it until the last who has it open ends: that is to be the keeper. */
    private void openLog(boolean debug) {
        var log = ShimLog.open(bundle, debug);
        if (log != null && keeper != null) {
            keeper.keep(Daemon.LOG, log);
        }
    }

    /** One that is alone has nobody to wait for but a start that has just joined. */
    private static @Nullable Duration idle(Settings settings) {
        var said = settings.idleTimeout();
        return said == null && settings.grouping() == Grouping.NODE ? SHARED_IDLE : said;
    }

    private Daemon serve(GroupFolder folder, StartInput input, Settings settings, Generation generation, Reply answer)
            throws IOException {
        try {
            openLog(input.debug());
            var wanted = input.socketDir();
            if (wanted != null && !answer.socket().startsWith(wanted)) {
                ShimLog.warn(
                        "socket_dir is not used: its path is too long, or others may write there",
                        "socket_dir",
                        wanted,
                        "socket",
                        answer.socket());
            }
            becomeDaemon();
            var core = System.getenv("SCHED_CORE");
            Housekeeping.run(core != null && !core.isEmpty(), settings.text(Key.SHIM_CGROUP));
            var note = new ShimNote(
                    flags.namespace(),
                    flags.address(),
                    input.ttrpcAddress(),
                    settings.protocol(),
                    answer.socket(),
                    generation,
                    idle(settings),
                    input.debug());
            var daemon = new Daemon(folder, note, lesser, keeper, List.of());
            writeBundle(answer, ShimPid.get());
            if (keeper != null) {
                note.write(folder.path());
                keeper.status(folder.path().resolve(GroupFolder.STATUS));
            }
            daemon.serve();
            daemon.serving();
            reply.ok(answer.text());
            return daemon;
        } catch (IOException | RuntimeException e) {
            folder.remove();
            throw e;
        }
    }

    private void becomeDaemon() throws IOException {
        Processes.setName(Daemon.PROCESS_NAME);
        if (keeper != null) {
            return; // The keeper is the session's leader, and gives /dev/null.
        }
        try {
            Processes.setsid();
        } catch (ErrnoException e) {
            if (e.errno() != Errno.EPERM) { // EPERM: the launcher has made it a session's leader already.
                throw e;
            }
        }
        try (var none = FileCalls.open(Path.of("/dev/null"), OpenFlags.O_RDWR | OpenFlags.O_CLOEXEC, 0)) {
            none.dupTo(0); // A daemon holds nothing of its caller's.
        }
    }

    private void writeBundle(Reply answer, int pid) throws IOException {
        BundleFiles.writeText(bundle, "address", answer.addressFile());
        BundleFiles.writeText(bundle, "shim.pid", Integer.toString(pid));
    }
}
