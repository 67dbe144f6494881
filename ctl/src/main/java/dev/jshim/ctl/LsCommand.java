package dev.jshim.ctl;

import dev.jshim.node.NodeTask;
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
        if (cli.globals().isJson()) {
            json(tasks, node.problems());
        } else {
            table(tasks);
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

    private void json(List<NodeTask> tasks, List<String> problems) {
        var rows = new ArrayList<Fields>();
        for (var task : tasks) {
            rows.add(TaskFields.summary(task));
        }
        Json.write(cli.out(), new Fields().with("tasks", rows).with("problems", problems));
    }
}
