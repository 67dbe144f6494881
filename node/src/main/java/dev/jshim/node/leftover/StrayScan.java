package dev.jshim.node.leftover;

import dev.jshim.node.NodePaths;
import dev.jshim.node.bundle.BundleScanner;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.process.ProcessFacts;
import dev.jshim.node.shim.RuntimeState;
import dev.jshim.node.shim.ShimFlags;
import dev.jshim.node.shim.ShimProcesses;
import dev.jshim.node.survey.Node;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Looks at processes, sockets and the OCI runtime's state for what the bundles do not show. Reads only; what goes away
 * meanwhile was not there.
 */
public final class StrayScan {
    private static final String DELETED = " (deleted)";
    private static final String FIRST_NAME = "/containerd-shim/";
    private static final String FIRST_NAME_END = "/shim.sock";

    private final NodePaths paths;
    private final ProcFs proc;
    private final Set<TaskId> bundled = new HashSet<>();
    private final Map<TaskId, Stray> strays = new TreeMap<>();
    private final Map<Path, Map<Path, Integer>> others = new HashMap<>();
    private final Set<Path> runtimeRoots = new TreeSet<>();

    private StrayScan(Node node, ProcFs proc, Set<Path> runtimeRoots) {
        this.paths = node.paths();
        this.proc = proc;
        this.runtimeRoots.add(Path.of(ShimFlags.DEFAULT_RUNTIME_ROOT));
        this.runtimeRoots.addAll(runtimeRoots);
        node.bundles().forEach(bundle -> bundled.add(bundle.task()));
    }

    /** Everything that was found; both lists are sorted. */
    public record Result(List<Stray> strays, List<OtherNode> others) {
        public Result {
            strays = List.copyOf(strays);
            others = List.copyOf(others);
        }
    }

    /** Looks at the machine. The node may have been read some time ago. */
    public static Result of(Node node) {
        return of(node, ProcFs.system());
    }

    /** Looks at a machine by its processes. */
    public static Result of(Node node, ProcFs proc) {
        return of(node, proc, Set.of());
    }

    /** @param runtimeRoots of OCI runtimes beside the default and those that the v1 shims name, without a namespace */
    static Result of(Node node, ProcFs proc, Set<Path> runtimeRoots) {
        var scan = new StrayScan(node, proc, runtimeRoots);
        scan.shims();
        scan.sockets();
        scan.containers();
        List<OtherNode> others = new ArrayList<>();
        scan.others.forEach(
                (state, roots) -> roots.forEach((root, count) -> others.add(new OtherNode(root, state, count))));
        others.sort(null);
        return new Result(List.copyOf(scan.strays.values()), others);
    }

    private void shims() {
        for (var process : proc.named(ShimProcesses.NAMES)) {
            var flags = process.hasEnded() || proc.isElsewhere(process.pid()) ? null : ShimFlags.parse(process.argv());
            var place = flags == null ? null : place(process, flags);
            if (flags == null || place == null) {
                continue;
            }
            if (!place.state().equals(paths.state())
                    || !(place.root().toString().isEmpty() || place.root().equals(paths.root()))) {
                others.computeIfAbsent(place.state(), _ -> new HashMap<>()).merge(place.root(), 1, Integer::sum);
                continue;
            }
            if (!bundled.contains(place.task())) {
                runtimeRoots.add(Path.of(flags.runtimeRoot()));
                found(new Stray(
                        Stray.Kind.SHIM_WITHOUT_BUNDLE,
                        place.task(),
                        process.pid(),
                        "v1 shim " + process.pid() + " runs, but its bundle is gone: no containerd can reach it"));
            }
        }
    }

    private record Place(Path root, Path state, TaskId task) {}

    /** By the working directory, which is the bundle, and -workdir; null if neither looks like that. */
    private @Nullable Place place(ProcessFacts process, ShimFlags flags) {
        var cwd = proc.cwd(process.pid());
        var bundle = cwd == null ? null : parts(Path.of(cwd.toString().replace(DELETED, "")));
        var work = flags.workdir().startsWith("/") ? parts(Path.of(flags.workdir())) : null;
        var named = bundle == null ? work : bundle;
        if (named == null) {
            return null;
        }
        // Without a bundle's folder to stand in, the state directory is a guess: ours if the root is.
        var state = bundle != null ? bundle.base() : named.base().equals(paths.root()) ? paths.state() : Path.of("");
        return new Place(work == null ? Path.of("") : work.base(), state, named.task());
    }

    private record Parts(Path base, TaskId task) {}

    /** Of {@code <base>/io.containerd.runtime.v1.linux/<namespace>/<id>}. */
    private static @Nullable Parts parts(Path path) {
        var count = path.getNameCount();
        if (count < 4 || !path.getName(count - 3).toString().equals(NodePaths.V1_RUNTIME)) {
            return null;
        }
        var task = new TaskId(
                path.getName(count - 2).toString(), path.getName(count - 1).toString());
        return new Parts(Path.of("/").resolve(path.subpath(0, count - 3)), task);
    }

    /** The oldest form of a name says whose it is; the others say nothing without a bundle. */
    private void sockets() {
        for (var name : proc.unixSockets().abstractNames()) {
            if (!name.startsWith(FIRST_NAME) || !name.endsWith(FIRST_NAME_END)) {
                continue;
            }
            var words = name.substring(FIRST_NAME.length(), name.length() - FIRST_NAME_END.length())
                    .split("/", -1);
            var task = words.length == 2 ? new TaskId(words[0], words[1]) : null;
            if (task != null && !bundled.contains(task) && others.isEmpty()) {
                found(new Stray(
                        Stray.Kind.SOCKET_WITHOUT_BUNDLE,
                        task,
                        0,
                        "@" + name + " has a listener, but no bundle names it"));
            }
        }
    }

    private void containers() {
        for (var root : runtimeRoots) {
            for (var namespace : directories(root)) {
                for (var container : directories(namespace)) {
                    var task = new TaskId(name(namespace), name(container));
                    var state = bundled.contains(task) ? null : RuntimeState.read(container);
                    var init = state == null ? null : state.init();
                    if (state != null && init != null && isOurs(state.bundle()) && proc.isAlive(init)) {
                        found(new Stray(
                                Stray.Kind.CONTAINER_WITHOUT_BUNDLE,
                                task,
                                init.pid(),
                                "the container lives, pid " + init.pid() + ", but its bundle is gone"));
                    }
                }
            }
        }
    }

    private boolean isOurs(@Nullable Path bundle) {
        return bundle != null && (bundle.startsWith(paths.v1State()) || bundle.startsWith(paths.v2State()));
    }

    /**
     * A shim says more than its container, which is found later. What has a bundle by now came after the others were
     * read.
     */
    private void found(Stray stray) {
        if (!BundleScanner.isThere(paths.v1Bundle(stray.task()))
                && !BundleScanner.isThere(paths.v2Bundle(stray.task()))) {
            strays.putIfAbsent(stray.task(), stray);
        }
    }

    private static List<Path> directories(Path parent) {
        List<Path> out = new ArrayList<>();
        try (var entries = Files.newDirectoryStream(parent, Files::isDirectory)) {
            entries.forEach(out::add);
        } catch (IOException | DirectoryIteratorException e) {
            return List.of();
        }
        return out;
    }

    private static String name(Path path) {
        return String.valueOf(path.getFileName());
    }
}
