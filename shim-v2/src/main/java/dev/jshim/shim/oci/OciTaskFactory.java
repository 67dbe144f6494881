package dev.jshim.shim.oci;

import com.google.protobuf.Any;
import dev.jshim.linux.Fd;
import dev.jshim.proto.v2.notes.ProcessNote;
import dev.jshim.shim.cgroup.OomWatch;
import dev.jshim.shim.keeper.FaultPoint;
import dev.jshim.shim.keeper.FdStore;
import dev.jshim.shim.keeper.Held;
import dev.jshim.shim.keeper.ShimPid;
import dev.jshim.shim.stdio.IoSettings;
import dev.jshim.shim.stdio.ProcessIo;
import dev.jshim.shim.stdio.PumpLoop;
import dev.jshim.shim.task.RepeatedTask;
import dev.jshim.task.CreateRequest;
import dev.jshim.task.Exit;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimLog;
import dev.jshim.task.Stdio;
import dev.jshim.task.Task;
import dev.jshim.task.TaskFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Creates containers with an OCI runtime, and takes over those that a process before this one has left. Thread-safe.
 */
public final class OciTaskFactory implements TaskFactory {
    /** How long the streams are held open of a container that has to be created again. */
    private static final Duration REPETITION = Duration.ofSeconds(30);

    private final String namespace;
    private final Reaper reaper;
    private final PumpLoop loop;
    private final Function<Path, Any> lesser;
    private final Duration background;
    private final TaskNotes notes;
    private final FdStore store;
    private final OomWatch ooms = new OomWatch();
    private final Map<String, HalfCreate> halfCreates = new ConcurrentHashMap<>();

    public OciTaskFactory(String namespace, Reaper reaper, PumpLoop loop) {
        this(
                namespace,
                reaper,
                loop,
                _ -> Any.getDefaultInstance(),
                Duration.ofSeconds(10),
                TaskNotes.NONE,
                FdStore.NONE);
    }

    /**
     * @param lesser options that hold if a container's own say nothing, by its bundle
     * @param background how long Delete waits for output that something left behind holds open
     * @param notes what a process after this one has to know, and what the one before it has left
     * @param store holds the streams of processes beyond the end of this process
     */
    public OciTaskFactory(
            String namespace,
            Reaper reaper,
            PumpLoop loop,
            Function<Path, Any> lesser,
            Duration background,
            TaskNotes notes,
            FdStore store) {
        this.namespace = namespace;
        this.reaper = reaper;
        this.loop = loop;
        this.lesser = lesser;
        this.background = background;
        this.notes = notes;
        this.store = store;
    }

    private Container container(CreateRequest request) {
        var bundle = request.bundle();
        var options = RuntimeOptions.of(request.options(), lesser.apply(bundle));
        return new Container(
                namespace,
                request.id(),
                bundle,
                new Rootfs(bundle.resolve("rootfs")),
                new Runc(reaper, options, namespace, bundle),
                reaper,
                loop,
                options,
                new OomNotice(ooms, request.id()),
                background,
                notes.of(request.id()),
                store);
    }

    @Override
    public Task create(CreateRequest request) {
        var half = halfCreates.remove(request.id());
        if (half == null) {
            return create(request, Map.of());
        }
        half.awaitUndone();
        return create(request, half.takeStreams());
    }

    private Task create(CreateRequest request, Map<String, Fd> old) {
        var container = container(request);
        var bundle = request.bundle();
        var runc = container.runc();
        var mayBeMounted = false;
        var isOpened = false;
        try {
            if (runc.knows(request.id())) {
                // Not ours: refused before anything here, or `delete` afterwards, could clean up somebody else's.
                throw ShimException.alreadyExists("container " + request.id() + " exists already in " + runc.root());
            }
            var spec = Spec.read(bundle);
            FaultPoint.at("task-create");
            notes.begin(container.notes(), request);
            FaultPoint.at("task-create-noted");
            mayBeMounted = !request.rootfs().isEmpty();
            // What `delete` needs to clean up after a shim that died comes before there is anything to clean up.
            BundleFiles.rememberRuntime(bundle, container.options().binary(), runc.root());
            // `start` cannot know the pid if it joins a shim that runs already.
            var shim = Integer.toString(ShimPid.get());
            BundleFiles.writeText(bundle, "shim.pid", shim);
            container.rootfs().mount(request.rootfs());
            FaultPoint.at("task-create-mounted");
            isOpened = true;
            return new RepeatedTask(create(container, request, spec, old));
        } catch (IOException | RuntimeException e) {
            if (!isOpened && !old.isEmpty()) {
                ProcessIo.discard(container.streams("", false), old);
            }
            if (mayBeMounted) {
                unmount(container);
            }
            container.notes().clear();
            throw e instanceof RuntimeException known ? known : failure(e);
        }
    }

    /** A bundle that is not there is NotFound, as with the Go shim. */
    private static ShimException failure(Exception e) {
        var kind =
                e.getCause() instanceof NoSuchFileException ? ShimException.Kind.NOT_FOUND : ShimException.Kind.UNKNOWN;
        return new ShimException(kind, String.valueOf(e.getMessage()), e);
    }

    /** What is restored is what CRIU has dumped: pipes, whatever is to become of it. */
    private static boolean passesThrough(Container container, CreateRequest request, Spec spec) {
        return spec.isRootOnHost()
                && request.checkpoint().isEmpty()
                && (container.options().neverCheckpointed() || !Criu.isInstalled());
    }

    private OciTask create(Container container, CreateRequest request, Spec spec, Map<String, Fd> old)
            throws IOException {
        var io = Container.open(request.stdio(), container.streams("", passesThrough(container, request, spec)), old);
        @Nullable InitLaunch launch = null;
        @Nullable Init init = null;
        try {
            launch = request.checkpoint().isEmpty() ? created(container, io) : restored(container, io, request);
            init = new Init(container, request.stdio(), io, launch, spec.ownPidNamespace());
            container.notes().requireInit();
            return new OciTask(container, init);
        } catch (IOException | RuntimeException e) {
            io.close();
            if (init != null) {
                init.noteNothing();
            }
            container.discard();
            var process = launch == null ? null : launch.waiting();
            if (process != null) {
                var _ = process.ended().thenAccept(_ -> reaper.forget(process.id()));
            }
            throw e;
        }
    }

    private InitLaunch created(Container container, ProcessIo io) throws IOException {
        try (var window = reaper.open()) {
            var pidFile = container.pidFile("");
            container.runc().create(container.id(), pidFile, Runc.Streams.of(io));
            io.started();
            var pid = BundleFiles.readPid(pidFile);
            return new InitLaunch.Created(container, InitProcess.of(pid, window.claim(pid)));
        }
    }

    private static InitLaunch restored(Container container, ProcessIo io, CreateRequest request) {
        var image = Path.of(request.checkpoint());
        return new InitLaunch.Restored(container, io, image, request.parentCheckpoint(), container.pidFile(""));
    }

    @Override
    public @Nullable Exit deleted(String id) {
        return notes.of(id).readGone("");
    }

    /**
     * The containers that a process before this one has left. What was being created when it died is taken away, in the
     * background. To be called before this process can hear of exits.
     *
     * @param held what the store has given back; that of no process is let go of
     */
    public List<Task> restore(List<Held> held) throws IOException {
        var calls = RuntimeCalls.find();
        var streams = streams(held);
        List<Task> tasks = new ArrayList<>();
        for (var noted : notes.all()) {
            if (noted.deletedAt() != null) {
                continue;
            }
            try {
                var request = noted.request();
                var own = streams.computeIfAbsent(request.id(), _ -> new HashMap<>());
                var under = calls.getOrDefault(request.bundle(), List.of());
                var init = noted.readInit();
                if (init == null || !Files.isDirectory(request.bundle())) {
                    // Half made, or given up by a daemon that could not wait for this process.
                    undo(request, under, own);
                } else {
                    tasks.add(new RepeatedTask(restore(request, init, noted.readExecs(), under, own)));
                }
            } catch (IOException | RuntimeException e) {
                ShimLog.error("a container is lost: cannot read its notes", "id", noted.id(), "error", e);
            }
        }
        streams.forEach(this::letGo);
        return tasks;
    }

    /** By container, exec and key. */
    private static Map<String, Map<String, Map<String, Fd>>> streams(List<Held> held) {
        Map<String, Map<String, Map<String, Fd>>> streams = new HashMap<>();
        for (var each : held) {
            var words = each.name().split(" ", 4);
            if (words.length == 4 && words[0].equals(Container.STREAM)) {
                streams.computeIfAbsent(words[1], _ -> new HashMap<>())
                        .computeIfAbsent(words[2], _ -> new HashMap<>())
                        .put(words[3], each.fd());
            }
        }
        return streams;
    }

    private static Map<String, Fd> take(Map<String, Map<String, Fd>> streams, String execId) {
        var own = streams.remove(execId.isEmpty() ? Container.INIT : execId);
        return own == null ? Map.of() : own;
    }

    private void letGo(String id, Map<String, Map<String, Fd>> streams) {
        if (!streams.isEmpty()) {
            var request = new CreateRequest(id, Path.of("/"), List.of(), Stdio.NONE, "", "", Any.getDefaultInstance());
            var container = container(request);
            streams.forEach((execId, left) ->
                    ProcessIo.discard(container.streams(execId.equals(Container.INIT) ? "" : execId, false), left));
        }
    }

    private void undo(CreateRequest request, List<RuntimeCalls.Call> calls, Map<String, Map<String, Fd>> streams) {
        var half = new HalfCreate(container(request), request, calls, take(streams, ""));
        halfCreates.put(request.id(), half);
        var window = reaper.open(); // before this process can hear of the end of the dead one's call
        Thread.ofVirtual().name("undo-" + request.id()).start(() -> {
            try (window) {
                half.undo();
            }
            half.awaitTaken(REPETITION);
            halfCreates.remove(request.id(), half);
            half.close();
        });
    }

    private OciTask restore(
            CreateRequest request,
            ProcessNote init,
            Map<String, ProcessNote> execs,
            List<RuntimeCalls.Call> calls,
            Map<String, Map<String, Fd>> streams) {
        var container = container(request);
        container.runc().created(container.id());
        var settings = container.streams("", passesThrough(container, request));
        var kept = take(streams, "");
        var isThere = init.getPid() != 0 && !init.getPhase().equals(InitPhase.DELETED.name());
        var io = isThere ? restoredIo(request.stdio(), settings, kept) : ProcessIo.open(Stdio.NONE, settings);
        Map<String, ExecProcess> restored = new HashMap<>();
        execs.forEach((execId, note) ->
                restored.put(execId, ExecProcess.restore(container, execId, note, take(streams, execId))));
        var launch = init.getPid() == 0
                ? restored(container, io, request)
                : new InitLaunch.Created(container, InitProcess.of(init, reaper));
        var window = reaper.open();
        var before = new Init.Predecessor(calls, window, settings, isThere ? Map.of() : kept);
        return new OciTask(container, new Init(container, request.stdio(), io, launch, init), restored, before);
    }

    private static boolean passesThrough(Container container, CreateRequest request) {
        try {
            return passesThrough(container, request, Spec.read(request.bundle()));
        } catch (IOException e) {
            return false;
        }
    }

    /** Without its streams a container can still be seen to its end. */
    private static ProcessIo restoredIo(Stdio stdio, IoSettings settings, Map<String, Fd> kept) {
        try {
            return ProcessIo.restore(stdio, settings, kept);
        } catch (ShimException e) {
            ShimLog.error("the streams of a container are lost", "settings", settings, "error", e);
            return ProcessIo.open(Stdio.NONE, settings);
        }
    }

    private static void unmount(Container container) {
        try {
            container.rootfs().unmount();
        } catch (IOException e) {
            ShimLog.warn("failed to unmount rootfs", "id", container.id(), "error", e.getMessage());
        }
    }
}
