package dev.jshim.shim.oci;

import com.google.protobuf.Any;
import dev.jshim.shim.ShimPid;
import dev.jshim.shim.cgroup.OomWatch;
import dev.jshim.shim.log.ShimLog;
import dev.jshim.shim.stdio.ProcessIo;
import dev.jshim.shim.stdio.PumpLoop;
import dev.jshim.shim.task.CreateRequest;
import dev.jshim.shim.task.ShimException;
import dev.jshim.shim.task.Task;
import dev.jshim.shim.task.TaskFactory;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Function;

/** Creates containers with an OCI runtime. Thread-safe. */
public final class OciTaskFactory implements TaskFactory {
    private final String namespace;
    private final Reaper reaper;
    private final PumpLoop loop;
    private final Function<Path, Any> lesser;
    private final Duration background;
    private final OomWatch ooms = new OomWatch();

    public OciTaskFactory(String namespace, Reaper reaper, PumpLoop loop) {
        this(namespace, reaper, loop, _ -> Any.getDefaultInstance(), Duration.ofSeconds(10));
    }

    /**
     * @param lesser options that hold where a container's own say nothing, by its bundle
     * @param background how long Delete waits for output that something left behind holds open
     */
    public OciTaskFactory(
            String namespace, Reaper reaper, PumpLoop loop, Function<Path, Any> lesser, Duration background) {
        this.namespace = namespace;
        this.reaper = reaper;
        this.loop = loop;
        this.lesser = lesser;
        this.background = background;
    }

    @Override
    public Task create(CreateRequest request) {
        var bundle = request.bundle();
        var options = RuntimeOptions.of(request.options(), lesser.apply(bundle));
        var runc = new Runc(reaper, options, namespace, bundle);
        var oom = new OomNotice(ooms, request.id());
        var rootfs = new Rootfs(bundle.resolve("rootfs"));
        var container =
                new Container(namespace, request.id(), bundle, rootfs, runc, reaper, loop, options, oom, background);
        if (runc.knows(request.id())) {
            // Not ours: refused before anything here, or `delete` afterwards, could clean up somebody else's container.
            throw ShimException.alreadyExists("container " + request.id() + " exists already in " + runc.root());
        }
        try {
            var spec = Spec.read(bundle);
            // What `delete` needs to clean up after a shim that died comes before there is anything to clean up.
            BundleFiles.rememberRuntime(bundle, options.binary(), runc.root());
            // `start` cannot tell the pid where it joins a shim that runs already.
            var shim = Integer.toString(ShimPid.get());
            BundleFiles.writeText(bundle, "shim.pid", shim);
            container.rootfs().mount(request.rootfs());
            return create(container, request, spec);
        } catch (IOException | RuntimeException e) {
            if (!request.rootfs().isEmpty()) {
                unmount(container);
            }
            throw e instanceof RuntimeException known ? known : failure(e);
        }
    }

    /** A bundle that is not there is NotFound, as with the Go shim. */
    private static ShimException failure(Exception e) {
        var kind =
                e.getCause() instanceof NoSuchFileException ? ShimException.Kind.NOT_FOUND : ShimException.Kind.UNKNOWN;
        return new ShimException(kind, String.valueOf(e.getMessage()), e);
    }

    private Task create(Container container, CreateRequest request, Spec spec) throws IOException {
        var io = container.open(request.stdio(), "init", container.id(), spec.isRootOnHost() && !Criu.isInstalled());
        try {
            var launch = request.checkpoint().isEmpty() ? created(container, io) : restored(container, io, request);
            return new OciTask(container, request.stdio(), io, launch, spec.ownPidNamespace());
        } catch (IOException | RuntimeException e) {
            io.close();
            container.discard();
            throw e;
        }
    }

    private InitLaunch created(Container container, ProcessIo io) throws IOException {
        try (var window = reaper.open()) {
            container.runc().create(container.id(), pidFile(container), Runc.Streams.of(io));
            io.started();
            var pid = BundleFiles.readPid(pidFile(container));
            return new InitLaunch.Created(container, InitProcess.of(pid, window.claim(pid)));
        }
    }

    private static InitLaunch restored(Container container, ProcessIo io, CreateRequest request) {
        var image = Path.of(request.checkpoint());
        return new InitLaunch.Restored(container, io, image, request.parentCheckpoint(), pidFile(container));
    }

    private static Path pidFile(Container container) {
        return container.bundle().resolve("init.pid");
    }

    private static void unmount(Container container) {
        try {
            container.rootfs().unmount();
        } catch (IOException e) {
            ShimLog.warn("failed to unmount rootfs", "id", container.id(), "error", e.getMessage());
        }
    }
}
