package dev.jshim.ctl;

import dev.jshim.node.NodeTask;
import dev.jshim.node.StrayScan;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

@Command(
        name = "ls",
        aliases = "list",
        description = "List the tasks of every namespace, with what their shims answer.",
        footer = {
            "",
            "Health: ok; degraded (see stderr); mute (the shim does not answer); orphan (the container",
            "lives without a shim); dead (both are gone); leaked (a directory without a task).",
            "",
            "Examples:",
            "  jshimctl ls",
            "  jshimctl ls -n k8s.io -o json"
        })
final class LsCommand implements Callable<Integer> {
    private final Cli cli;

    LsCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        var node = cli.reader().read();
        var tasks = cli.reader().ask(node.bundles());
        var found = cli.reader().strays();
        if (cli.globals().isJson()) {
            json(tasks, node.problems(), found);
        } else {
            table(tasks);
            Strays.note(cli, found.strays(), found.others());
        }
        node.problems().forEach(cli::note);
        return node.problems().isEmpty() ? ExitCode.OK : ExitCode.FINDINGS;
    }

    private void table(List<NodeTask> tasks) {
        var table =
                new Table("NAMESPACE", "ID", "API", "RUNTIME", "STATUS", "PID", "SHIM", "SOCKET", "ANSWER", "HEALTH");
        for (var task : tasks) {
            var socket = task.bundle().socket();
            table.row(
                    task.task().namespace(),
                    task.task().id(),
                    task.isBridged() ? task.api() + " bridged" : task.api(),
                    task.runtime(),
                    task.status().label(),
                    TaskFields.known(task.pid()),
                    TaskFields.known(task.shimPid()),
                    socket == null ? "" : socket.kind(),
                    TaskFields.answer(task.state()),
                    task.health().label());
        }
        table.write(cli.out());
        for (var task : tasks) {
            for (var trouble : task.troubles()) {
                cli.note(task.task() + ": " + trouble);
            }
        }
    }

    private void json(List<NodeTask> tasks, List<String> problems, StrayScan.Result found) {
        var rows = new ArrayList<Fields>();
        for (var task : tasks) {
            rows.add(TaskFields.summary(task));
        }
        var fields = new Fields().with("tasks", rows).with("problems", problems);
        Json.write(cli.out(), Strays.with(fields, found.strays(), found.others()));
    }
}
