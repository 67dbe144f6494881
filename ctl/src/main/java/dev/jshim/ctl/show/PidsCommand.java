package dev.jshim.ctl.show;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.cli.ShimCall;
import dev.jshim.ctl.cli.TaskArgument;
import dev.jshim.ctl.cli.WatchOption;
import dev.jshim.ctl.output.Fields;
import dev.jshim.ctl.output.Table;
import dev.jshim.ctl.output.TaskFields;
import dev.jshim.node.process.ProcessFacts;
import dev.jshim.task.ListedPid;
import dev.jshim.task.ProcessStatus;
import dev.jshim.task.TaskId;
import dev.jshim.task.client.ShimTask;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "pids",
        description = "Show the processes of a container as a tree, with the ids of its execs.",
        footer = {"", "Example:", "  jshimctl pids web"})
public final class PidsCommand implements Callable<Integer> {
    private final Cli cli;

    @Mixin
    private final TaskArgument argument = new TaskArgument();

    @Mixin
    private final WatchOption watch = new WatchOption();

    public PidsCommand(Cli cli) {
        this.cli = cli;
    }

    /** A process of the container. */
    private record Row(ListedPid pid, ProcessFacts facts) {
        int parent() {
            return facts.ppid();
        }

        String command() {
            return facts.argv().isEmpty() ? "[" + facts.comm() + "]" : String.join(" ", facts.argv());
        }

        String state() {
            return String.valueOf(facts.state());
        }
    }

    @Override
    public Integer call() {
        return watch.run(cli, this::show);
    }

    private int show(Cli cli) {
        var bundle = cli.reader().bundle(argument.id());
        var rows = new LinkedHashMap<Integer, Row>();
        for (var pid : ShimCall.of(cli, bundle, PidsCommand::living)) {
            var facts = cli.proc().facts(pid.pid());
            if (facts != null) { // It may have ended since the shim named it.
                rows.put(pid.pid(), new Row(pid, facts));
            }
        }
        cli.show(fields(bundle.task(), rows), () -> {
            var table = new Table("PID", "EXEC", "STATE", "COMMAND");
            for (var row : rows.values()) {
                if (!rows.containsKey(row.parent())) {
                    tree(table, rows, row, 0);
                }
            }
            table.write(cli.out(), cli.screen());
        });
        return ExitCode.OK;
    }

    /** A shim may name the init of a container that has ended; its number may be another process' by now. */
    private static List<ListedPid> living(ShimTask shim) {
        var pids = shim.pids();
        var init = shim.state("");
        return init.status() == ProcessStatus.STOPPED
                ? pids.stream().filter(pid -> pid.pid() != init.pid()).toList()
                : pids;
    }

    private static void tree(Table table, Map<Integer, Row> rows, Row row, int depth) {
        var pid = row.pid();
        table.row("  ".repeat(depth) + pid.pid(), pid.execId(), row.state(), row.command());
        for (var child : rows.values()) {
            if (child.parent() == pid.pid()) {
                tree(table, rows, child, depth + 1);
            }
        }
    }

    private static Fields fields(TaskId task, Map<Integer, Row> rows) {
        var list = new ArrayList<Fields>();
        for (var row : rows.values()) {
            var facts = row.facts();
            list.add(new Fields()
                    .with("pid", row.pid().pid())
                    .with("ppid", facts.ppid())
                    .with("execId", TaskFields.known(row.pid().execId()))
                    .with("state", TaskFields.known(row.state()))
                    .with("argv", facts.argv()));
        }
        return new Fields()
                .with("namespace", task.namespace())
                .with("id", task.id())
                .with("pids", list);
    }
}
