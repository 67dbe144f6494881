package dev.jshim.ctl.show;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.cli.Listing;
import dev.jshim.ctl.cli.Lists;
import dev.jshim.ctl.cli.RowOptions;
import dev.jshim.ctl.cli.WatchOption;
import dev.jshim.ctl.leftover.Strays;
import dev.jshim.ctl.output.Fields;
import dev.jshim.ctl.output.TaskFields;
import dev.jshim.ctl.output.Text;
import dev.jshim.ctl.upgrade.Bridges;
import dev.jshim.node.survey.Health;
import dev.jshim.task.ProcessStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "ls",
        aliases = "list",
        description = "List the tasks of every namespace, with the answers of their shims.",
        footer = {
            "",
            "Health: ok; degraded (see stderr); restarting (the JVM of one of jshim's shims has died and is being started",
            "again); mute (the shim does not answer); orphan (the container lives without a shim); dead (both are",
            "gone); leaked (a directory without a task).",
            "If two namespaces have the same id, -q prints it twice: add -n, or use -o name.",
            "A narrow terminal shows fewer columns; --no-trunc shows all of them.",
            "The names of a pod and its container are those of containerd's CRI; its sandbox has no container's name.",
            "",
            "Examples:",
            "  jshimctl ls",
            "  jshimctl ls -n k8s.io -o json",
            "  jshimctl ls --filter status=running --filter health=mute --sort-by shimPid",
            "  jshimctl ls -n k8s.io -q --filter health=orphan",
            "  jshimctl ls --filter pod=web-7d4b -o custom-columns=POD:pod,CONTAINER:container,ID:id",
            "  jshimctl ls -o custom-columns=ID:id,WRONG:troubles",
            "  jshimctl ls -o jsonpath='{range .tasks[?(@.health==\"mute\")]}{.shimPid}{\"\\n\"}{end}'",
            "  jshimctl ls -o wide --watch"
        })
public final class LsCommand implements Callable<Integer>, Lists {
    private static final Listing LISTING = new Listing()
            .column("NAMESPACE", "namespace")
            .column("ID", "id")
            .column("API", row -> row.get("api") + (Boolean.TRUE.equals(row.get("bridged")) ? " bridged" : ""))
            .column("RUNTIME", "runtime")
            .column("STATUS", "status")
            .column("PID", "pid")
            .column("SHIM", "shimPid")
            .column("SOCKET", "socketKind")
            .column("ANSWER", TaskFields::answer)
            .column("HEALTH", "health")
            .wide("POD NAMESPACE", "podNamespace")
            .wide("POD", "pod")
            .wide("CONTAINER", "container")
            .wide("ADDRESS", "address")
            .wide("BUNDLE", "bundle")
            .wide("COMMAND", "command")
            .besides("api", "bridged", "answer", "answerMillis", "answerError", "troubles")
            .words("status", () -> labels(ProcessStatus.values(), ProcessStatus::label))
            .words("health", () -> labels(Health.values(), Health::label))
            .named(TaskFields::name)
            .spare("ANSWER", "SOCKET", "SHIM", "API");

    private final Cli cli;

    @Mixin
    private final RowOptions which = new RowOptions();

    @Option(
            names = {"-q", "--quiet"},
            description = "only ids, one per line (-o name: NAMESPACE/ID), and only errors on stderr")
    private boolean quiet;

    @Option(names = "--no-others", description = "do not mention shims of other containerds on this machine")
    private boolean noOthers;

    @Mixin
    private final WatchOption watch = new WatchOption();

    public LsCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Listing listing() {
        return LISTING;
    }

    @Override
    public Integer call() {
        which.check(LISTING);
        return watch.run(cli, this::show);
    }

    private int show(Cli cli) {
        var reader = cli.reader();
        var node = reader.read();
        // First: afterwards we ourselves may be taken for one who is connected.
        var unseen = Bridges.unseen(cli);
        var tasks = reader.ask(node.bundles());
        var found = reader.strays();
        var rows = which.of(tasks.stream().map(TaskFields::summary).toList());
        var problems = new ArrayList<>(node.problems());
        var ofBridge = Bridges.trouble(cli);
        if (ofBridge != null) {
            problems.add(ofBridge);
        }
        if (unseen != null) {
            problems.add(unseen);
        }
        var fields = new Fields().with("tasks", rows).with("problems", problems);
        cli.show(Strays.with(fields, found.strays(), found.others()), () -> {
            if (quiet && cli.globals().isTable()) {
                rows.forEach(row -> cli.out().println(Text.oneLine(row.get("id"))));
            } else {
                LISTING.write(cli, rows);
            }
            if (!quiet) {
                rows.forEach(row -> notes(cli, row));
                Strays.note(cli, found.strays(), noOthers ? List.of() : found.others());
            }
        });
        problems.forEach(cli::note);
        return problems.isEmpty() ? ExitCode.OK : ExitCode.FINDINGS;
    }

    private static <T> List<String> labels(T[] all, Function<T, String> label) {
        return Stream.of(all).map(label).toList();
    }

    private static void notes(Cli cli, Fields row) {
        if (row.get("troubles") instanceof List<?> troubles) {
            troubles.forEach(trouble -> cli.note(TaskFields.name(row) + ": " + trouble));
        }
    }
}
