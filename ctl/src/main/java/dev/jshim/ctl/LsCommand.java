package dev.jshim.ctl;

import java.util.ArrayList;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "ls",
        aliases = "list",
        description = "List the tasks of every namespace, with what their shims answer.",
        footer = {
            "",
            "Health: ok; degraded (see stderr); restarting (the JVM of a shim of jshim's has died and is started",
            "again); mute (the shim does not answer); orphan (the container lives without a shim); dead (both are",
            "gone); leaked (a directory without a task).",
            "A narrow terminal shows fewer columns; --no-trunc shows all of them.",
            "",
            "Examples:",
            "  jshimctl ls",
            "  jshimctl ls -n k8s.io -o json",
            "  jshimctl ls -o wide --watch"
        })
final class LsCommand implements Callable<Integer> {
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
            .wide("ADDRESS", "address")
            .wide("BUNDLE", "bundle")
            .wide("COMMAND", "command")
            .spare("ANSWER", "SOCKET", "SHIM", "API");

    private final Cli cli;

    @Mixin
    private final WatchOption watch = new WatchOption();

    LsCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        return watch.run(cli, LsCommand::show);
    }

    private static int show(Cli cli) {
        var reader = cli.reader();
        var node = reader.read();
        // First: afterwards we ourselves may be taken for one who is connected.
        var unseen = Bridges.unseen(cli);
        var tasks = reader.ask(node.bundles());
        var found = reader.strays();
        var rows = tasks.stream().map(TaskFields::summary).toList();
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
            LISTING.write(cli, rows);
            for (var task : tasks) {
                for (var trouble : task.troubles()) {
                    cli.note(task.task() + ": " + trouble);
                }
            }
            Strays.note(cli, found.strays(), found.others());
        });
        problems.forEach(cli::note);
        return problems.isEmpty() ? ExitCode.OK : ExitCode.FINDINGS;
    }
}
