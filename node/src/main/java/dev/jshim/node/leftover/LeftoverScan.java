package dev.jshim.node.leftover;

import dev.jshim.node.Answer;
import dev.jshim.node.NodePaths;
import dev.jshim.node.Tree;
import dev.jshim.node.bundle.Bundle;
import dev.jshim.node.daemon.DaemonProcess;
import dev.jshim.node.leftover.Leftover.Kind;
import dev.jshim.node.process.FifoEnd;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.process.ProcessFacts;
import dev.jshim.node.shim.OciRuntime;
import dev.jshim.node.shim.RuntimeState;
import dev.jshim.node.shim.ShimFlags;
import dev.jshim.node.socket.NodeSocket;
import dev.jshim.node.survey.Health;
import dev.jshim.node.survey.Node;
import dev.jshim.node.survey.NodeTask;
import dev.jshim.node.survey.SocketSurvey;
import dev.jshim.node.survey.TaskSurvey;
import dev.jshim.task.ProcessState;
import dev.jshim.task.ShimSocket;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Finds what was left behind. Reads only. In the order in which it would have to be removed: mounts before the bundle
 * that they are in.
 *
 * <p>Socket, FIFO and runtime folders are shared by all containerds of a machine, so that a thing in them counts only
 * where nobody at all uses it; and what is young is passed over, since somebody may be about to.
 */
public final class LeftoverScan {
    private static final Path FIFOS = Path.of("/run/containerd/fifo");
    private static final Pattern STREAM = Pattern.compile("-(?:stdin|stdout|stderr)$");
    private static final Path CGROUPS = Path.of("/sys/fs/cgroup");

    private final Node node;
    private final ProcFs proc;
    private final Duration timeout;
    private final Instant before;
    private final Set<TaskId> bundled;
    private final Path fifoFolder;

    /**
     * @param timeout for each shim and each socket that is asked
     * @param minAge what was changed later than so long ago is passed over
     */
    public LeftoverScan(Node node, ProcFs proc, Duration timeout, Duration minAge) {
        this(node, proc, timeout, minAge, FIFOS);
    }

    /** As the other, with another folder than {@code /run/containerd/fifo}. */
    LeftoverScan(Node node, ProcFs proc, Duration timeout, Duration minAge, Path fifoFolder) {
        this.fifoFolder = fifoFolder;
        this.node = node;
        this.proc = proc;
        this.timeout = timeout;
        this.before = Instant.now().minus(minAge);
        this.bundled = node.bundles().stream().map(Bundle::task).collect(Collectors.toSet());
    }

    /** What belongs to tasks. */
    public List<Leftover> ofTasks() {
        var out = ofBundles();
        var roots = new TreeSet<Path>(Set.of(Path.of(ShimFlags.DEFAULT_RUNTIME_ROOT)));
        for (var bundle : node.bundles()) {
            roots.add(OciRuntime.of(bundle, null).root());
        }
        roots.forEach(root -> runtimeStates(root, out));
        return out;
    }

    private List<Leftover> ofBundles() {
        var out = new ArrayList<Leftover>();
        var mounts = proc.mountPoints();
        var tasks = new TaskSurvey(proc, timeout).of(node.bundles());
        var inUse = socketsOfShims(tasks);
        for (var task : tasks) {
            var socket = task.bundle().socket();
            if (isOver(task) && (socket == null || !inUse.contains(socket.address()))) {
                task(task, mounts, out);
            }
        }
        return out;
    }

    /** What belongs to one task. */
    public List<Leftover> ofTask(TaskId id) {
        var out = new ArrayList<Leftover>();
        if (bundled.contains(id)) {
            return ofBundles().stream().filter(left -> id.equals(left.task())).toList();
        }
        var container = Path.of(ShimFlags.DEFAULT_RUNTIME_ROOT, id.namespace(), id.id());
        unbundled(id, container, out);
        return out;
    }

    /** What belongs to no known task: sockets and FIFOs. */
    public List<Leftover> others() {
        var out = new ArrayList<Leftover>();
        var elsewhere = elsewhere();
        var named = new HashSet<ShimSocket>();
        for (var bundle : elsewhere) {
            var socket = bundle.socket();
            if (socket != null) {
                named.add(socket);
            }
        }
        for (var socket : new SocketSurvey(proc, timeout).of(node)) {
            if (socket.verdict() == NodeSocket.Verdict.STALE
                    && socket.namedBy().isEmpty()
                    && !named.contains(socket.facts().socket())
                    && socket.facts().socket() instanceof ShimSocket.Named(var path)
                    && isOld(path)) {
                out.add(new Leftover(Kind.SOCKET, null, path, "nobody listens on it, and no bundle names it", true));
            }
        }
        fifos(elsewhere, out);
        return out;
    }

    /** The bundles of the other containerds that run on this machine. */
    private List<Bundle> elsewhere() {
        var places = new HashSet<NodePaths>();
        for (var daemon : DaemonProcess.all(proc)) {
            try {
                places.add(daemon.settings().paths());
            } catch (IOException | IllegalArgumentException e) {
                // What its configuration does not say its command line may.
                if (daemon.state().startsWith("/") && daemon.root().startsWith("/")) {
                    places.add(new NodePaths(Path.of(daemon.root()), Path.of(daemon.state())));
                }
            }
        }
        var out = new ArrayList<Bundle>();
        for (var place : places) {
            if (!place.state().equals(node.paths().state())) {
                out.addAll(Node.read(place, proc).bundles());
            }
        }
        return out;
    }

    /** Whether neither a shim nor init lives, for long enough. Nobody may listen on its socket either. */
    private boolean isOver(NodeTask task) {
        var isOver = task.health() == Health.DEAD || task.health() == Health.LEAKED;
        return isOver
                && task.state() instanceof Answer.Absent<ProcessState>
                && task.bridge() == null
                && isOld(task.bundle().path());
    }

    /** Where shims that live should listen: they may serve more tasks than the one that they were started for. */
    private static Set<String> socketsOfShims(List<NodeTask> tasks) {
        var out = new HashSet<String>();
        for (var task : tasks) {
            var socket = task.bundle().socket();
            if (task.shim() != null && socket != null) {
                out.add(socket.address());
            }
        }
        return out;
    }

    private void task(NodeTask task, List<String> mounts, List<Leftover> out) {
        var bundle = task.bundle();
        var id = task.task();
        var found = OciRuntime.of(bundle, null).state(id);
        // another containerd may have a container of the same namespace and id, and the runtime's folder is everybody's
        var state = found != null && found.isOf(bundle) ? found : null;
        if (state != null && !isDead(state)) {
            return;
        }
        if (isLinked(bundle.path()) || mounts.contains(bundle.path().toString())) {
            return;
        }
        mounts.stream()
                .filter(mount -> mount.startsWith(bundle.path() + "/"))
                .sorted((a, b) -> b.compareTo(a))
                .forEach(mount -> out.add(
                        new Leftover(Kind.MOUNT, id, Path.of(mount), "it is in a bundle without a task", true)));
        if (state != null) {
            runtimeState(id, state, out);
        }
        out.add(new Leftover(
                Kind.BUNDLE,
                id,
                bundle.path(),
                "neither shim nor init is alive (" + task.health().label() + ")",
                true));
    }

    private void runtimeStates(Path root, List<Leftover> out) {
        for (var namespace : entries(root)) {
            for (var container : entries(namespace)) {
                var id = new TaskId(name(namespace), name(container));
                if (!bundled.contains(id)) {
                    unbundled(id, container, out);
                }
            }
        }
    }

    /** Where a link leads, another containerd may be at home. */
    private boolean isLinked(Path bundle) {
        for (var path = bundle; path != null && !path.equals(node.paths().state()); path = path.getParent()) {
            if (Files.isSymbolicLink(path)) {
                return true;
            }
        }
        return false;
    }

    private void unbundled(TaskId id, Path container, List<Leftover> out) {
        var state = RuntimeState.read(container);
        var bundle = state == null ? null : state.bundle();
        // the bundle may be another containerd's
        if (state != null
                && bundle != null
                && !Files.exists(bundle)
                && !Files.isSymbolicLink(container)
                && isDead(state)
                && isOld(container)) {
            runtimeState(id, state, out);
        }
    }

    private static void runtimeState(TaskId id, RuntimeState state, List<Leftover> out) {
        for (var cgroup : new HashSet<>(state.cgroups())) {
            if (cgroup.startsWith(CGROUPS) && cgroup.equals(cgroup.normalize()) && Files.isDirectory(cgroup)) {
                out.add(new Leftover(Kind.CGROUP, id, cgroup, "its container has ended, and it is empty", true));
            }
        }
        out.add(new Leftover(Kind.RUNTIME_STATE, id, state.directory(), "the init that it names has ended", true));
    }

    /** Init has ended, and nothing is left in the cgroups. */
    private boolean isDead(RuntimeState state) {
        var init = state.init();
        return (init == null || !proc.isAlive(init)) && state.cgroups().stream().allMatch(LeftoverScan::isEmpty);
    }

    private static boolean isEmpty(Path cgroup) {
        try {
            return Tree.files(cgroup).stream()
                    .filter(file -> file.endsWith("cgroup.procs"))
                    .allMatch(LeftoverScan::hasNoLine);
        } catch (IOException e) {
            return !Files.exists(cgroup);
        }
    }

    private static boolean hasNoLine(Path procs) {
        try {
            return Files.readString(procs).isBlank();
        } catch (IOException e) {
            return !Files.exists(procs); // It has just been removed, which only an empty one can be.
        }
    }

    /**
     * The clients of every containerd use that folder, and only its name shows which one a FIFO belongs to: no
     * container that is on this machine may have its id.
     */
    private void fifos(List<Bundle> elsewhere, List<Leftover> out) {
        var ids = new HashSet<String>();
        bundled.forEach(task -> ids.add(task.id()));
        elsewhere.forEach(bundle -> ids.add(bundle.task().id()));
        for (var process : proc.all()) {
            var task = process.hasEnded() || !process.name().startsWith("containerd-shim") ? null : task(process);
            if (task != null) {
                ids.add(task.id());
            }
        }
        var fifos = new HashSet<Path>();
        for (var folder : entries(fifoFolder)) {
            for (var file : entries(folder)) {
                if (!Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)
                        && isOld(file)
                        && !ids.contains(owner(name(file)))) {
                    fifos.add(file);
                }
            }
        }
        if (fifos.isEmpty()) {
            return;
        }
        FifoEnd.of(proc, fifos).forEach((fifo, ends) -> {
            if (ends.isEmpty()) {
                out.add(new Leftover(
                        Kind.FIFO,
                        null,
                        owner(name(fifo)),
                        fifo,
                        "nobody has it open, and no container has that id",
                        true));
            }
        });
    }

    /** containerd's clients name a FIFO after the container or the exec (pkg/cio, newFIFOSet). */
    private static String owner(String file) {
        return STREAM.matcher(file).replaceFirst("");
    }

    private boolean isOld(Path path) {
        try {
            return Files.getLastModifiedTime(path, LinkOption.NOFOLLOW_LINKS)
                    .toInstant()
                    .isBefore(before);
        } catch (IOException e) {
            return false;
        }
    }

    private static List<Path> entries(Path folder) {
        var out = new ArrayList<Path>();
        try (var entries = Files.newDirectoryStream(folder)) {
            entries.forEach(out::add);
        } catch (IOException | DirectoryIteratorException e) {
            return List.of();
        }
        out.sort(null);
        return out;
    }

    private static String name(Path path) {
        return String.valueOf(path.getFileName());
    }

    /** Shims of this containerd that run without a bundle: shown, never ended. */
    public List<Leftover> shims(@Nullable Path containerd) {
        var out = new ArrayList<Leftover>();
        for (var process : proc.all()) {
            var task = process.hasEnded() || !process.program().startsWith("containerd-shim") ? null : task(process);
            if (task != null
                    && !bundled.contains(task)
                    && isOf(process, containerd)
                    && !proc.isElsewhere(process.pid())) {
                out.add(new Leftover(
                        Kind.SHIM,
                        task,
                        Path.of("/proc", Integer.toString(process.pid())),
                        "shim " + process.pid() + " runs, but its bundle is gone",
                        false));
            }
        }
        return out;
    }

    private static @Nullable TaskId task(ProcessFacts process) {
        var namespace = flag(process, "-namespace");
        var id = flag(process, "-id");
        var work = flag(process, "-workdir");
        if (id == null && work != null && work.startsWith("/")) {
            id = name(Path.of(work));
        }
        return namespace == null || id == null ? null : new TaskId(namespace, id);
    }

    private static boolean isOf(ProcessFacts process, @Nullable Path containerd) {
        var address = flag(process, "-address");
        return containerd != null && address != null && address.equals(containerd.toString());
    }

    private static @Nullable String flag(ProcessFacts process, String name) {
        var at = process.argv().indexOf(name);
        return at >= 0 && at + 1 < process.argv().size() ? process.argv().get(at + 1) : null;
    }
}
