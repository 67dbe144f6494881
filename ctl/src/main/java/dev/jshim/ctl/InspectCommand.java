package dev.jshim.ctl;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        name = "inspect",
        description = "Show all that is known of a task: its bundle, shim, socket, processes, cgroup and record.",
        footer = {"", "Examples:", "  jshimctl inspect web", "  jshimctl inspect web -o json"})
final class InspectCommand implements Callable<Integer> {
    private final Cli cli;

    @Parameters(paramLabel = "ID", description = "the container's id, or a beginning of it that only one has")
    private String id = "";

    InspectCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        var task = cli.reader().find(id);
        var report = new Inspection(cli.globals()).of(task);
        if (cli.globals().isJson()) {
            Json.write(cli.out(), report);
        } else {
            Outline.write(cli.out(), report);
        }
        return ExitCode.OK;
    }
}
