package dev.jshim.ctl.cli;

import dev.jshim.ctl.output.Text;
import dev.jshim.node.bundle.Bundle;
import dev.jshim.node.bundle.V2Bundle;
import dev.jshim.node.leftover.StrayScan;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.shim.KeptShim;
import dev.jshim.node.shim.ShimKeepers;
import dev.jshim.node.survey.Node;
import dev.jshim.node.survey.NodeTask;
import dev.jshim.node.survey.TaskSurvey;
import dev.jshim.task.TaskId;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Reads the node that the options name, once, and finds the task that somebody means by an id. One thread's. */
public final class NodeReader {
    /** A namespace, a pod and a container. */
    private static final int MOST_WORDS = 3;

    private final Globals globals;
    private final ProcFs proc;
    private @Nullable Node whole;

    NodeReader(Globals globals, ProcFs proc) {
        this.globals = globals;
        this.proc = proc;
    }

    /** The bundles of the namespace asked for. */
    public Node read() {
        var node = whole();
        if (!node.problems().isEmpty() && node.bundles().isEmpty() && !Privileges.isRoot()) {
            throw CliException.failed(node.problems().getFirst(), "run jshimctl as root");
        }
        var namespace = globals.namespace();
        if (namespace == null) {
            return node;
        }
        var bundles = node.bundles().stream()
                .filter(bundle -> bundle.task().namespace().equals(namespace))
                .toList();
        return new Node(node.paths(), bundles, node.problems());
    }

    private Node whole() {
        var node = whole;
        if (node == null) {
            node = Node.read(globals.existing(), proc);
            whole = node;
        }
        return node;
    }

    /** What no bundle stands for, of the namespace asked for. */
    public StrayScan.Result strays() {
        var found = StrayScan.of(whole(), proc);
        var namespace = globals.namespace();
        var strays = found.strays().stream()
                .filter(stray -> namespace == null || stray.task().namespace().equals(namespace))
                .toList();
        return new StrayScan.Result(strays, found.others());
    }

    /** jshim's own shims that live, of this containerd and of the namespace asked for, also those without a task. */
    public List<KeptShim> shims() {
        var containerd = globals.address().toString();
        var namespace = globals.namespace();
        return ShimKeepers.read().all().stream()
                .filter(shim -> proc.isAlive(shim.keeper().keeper()))
                .filter(shim -> shim.containerd().equals(containerd))
                .filter(shim -> namespace == null || shim.namespace().equals(namespace))
                .toList();
    }

    /** All tasks of a node, asked. */
    public List<NodeTask> ask(List<Bundle> bundles) {
        return new TaskSurvey(proc, globals.timeout()).of(bundles);
    }

    /**
     * The one task that is meant, asked.
     *
     * @param id an id or the beginning of one; POD/CONTAINER, NAMESPACE/POD/CONTAINER, or the name of a task
     * @throws CliException if no task is meant by it, or more than one
     */
    public NodeTask find(String id) {
        return ask(bundles(id)).getFirst();
    }

    /** The bundle of the one task that is meant, not asked; of an adopted v1 container that of v1. */
    public Bundle bundle(String id) {
        return bundles(id).getFirst();
    }

    /**
     * The bundle, not asked, of the one task that is meant, for the second API: of an adopted v1 container the
     * bridge's.
     */
    public V2Bundle v2Bundle(String id) {
        var bundles = bundles(id);
        return bundles.stream()
                .filter(V2Bundle.class::isInstance)
                .map(V2Bundle.class::cast)
                .findFirst()
                .orElseThrow(() -> CliException.failed(
                        bundles.getFirst().task() + " has a v1 shim, which does not have the task API",
                        "\"jshimctl inspect " + bundles.getFirst().task().id() + "\" shows what it reports"));
    }

    private List<Bundle> bundles(String id) {
        requireSafe(id);
        var bundles = read().bundles();
        var meant = id.contains("/") ? named(bundles, id) : withId(bundles, id);
        if (meant.isEmpty()) {
            throw unknown(id, bundles);
        }
        if (meant.size() > 1) {
            throw ambiguous(id, meant);
        }
        var task = meant.getFirst();
        return bundles.stream().filter(bundle -> bundle.task().equals(task)).toList();
    }

    private static List<TaskId> withId(List<Bundle> bundles, String id) {
        var exact = tasks(bundles, bundle -> bundle.task().id().equals(id));
        return exact.isEmpty() ? tasks(bundles, bundle -> bundle.task().id().startsWith(id)) : exact;
    }

    /** All names whole: nobody means a container by the beginning of its pod's. */
    private static List<TaskId> named(List<Bundle> bundles, String name) {
        var words = List.of(name.split("/", -1));
        return tasks(bundles, bundle -> {
            var pod = bundle.pod();
            return bundle.task().toString().equals(name) || (pod != null && pod.isCalled(words));
        });
    }

    private static List<TaskId> tasks(List<Bundle> bundles, Predicate<Bundle> isMeant) {
        return bundles.stream().filter(isMeant).map(Bundle::task).distinct().toList();
    }

    private static void requireSafe(String id) {
        var words = List.of(id.split("/", -1));
        if (words.size() > MOST_WORDS
                || words.stream().anyMatch(word -> word.isEmpty() || word.contains("..") || word.startsWith("."))) {
            throw CliException.usage(
                    "\"" + Text.oneLine(id) + "\" cannot be a container's id",
                    "an id has letters, digits and single . _ - between them; else give POD/CONTAINER or"
                            + " NAMESPACE/POD/CONTAINER");
        }
    }

    private CliException unknown(String id, List<Bundle> bundles) {
        var namespace = globals.namespace();
        var where = namespace == null ? "" : " in namespace " + Text.oneLine(namespace);
        var similar = Text.similar(
                id,
                bundles.stream()
                        .flatMap(bundle -> names(bundle, id.contains("/")))
                        .collect(Collectors.toSet()));
        return CliException.failed(
                "no task \"" + Text.oneLine(id) + "\"" + where + " below "
                        + globals.paths().state(),
                similar.isEmpty()
                        ? "\"jshimctl ls\" lists all tasks"
                        : "did you mean " + String.join(", ", similar) + "?");
    }

    private static Stream<String> names(Bundle bundle, boolean hasWords) {
        if (!hasWords) {
            return Stream.of(bundle.task().id());
        }
        var pod = bundle.pod();
        var task = bundle.task().toString();
        return pod == null || pod.container().isEmpty()
                ? Stream.of(task)
                : Stream.of(task, pod.toString(), pod.name() + "/" + pod.container());
    }

    private static CliException ambiguous(String id, List<TaskId> tasks) {
        var names = tasks.stream().map(TaskId::toString).collect(Collectors.joining(", "));
        if (id.contains("/")) {
            return CliException.usage(
                    "\"" + id + "\" is the name of more than one container: " + names,
                    "give NAMESPACE/POD/CONTAINER, or one of these");
        }
        return tasks.getFirst().id().equals(id)
                ? CliException.usage(
                        "the id \"" + id + "\" is in more than one namespace: " + names,
                        "choose one: "
                                + tasks.stream()
                                        .map(task -> "-n " + task.namespace())
                                        .collect(Collectors.joining(" or ")))
                : CliException.usage(
                        "\"" + id + "\" is a prefix of more than one id: " + names,
                        "give more letters of it, or -n NAMESPACE");
    }
}
