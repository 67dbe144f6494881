package dev.jshim.ctl.show;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.CliException;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.output.Fields;
import dev.jshim.ctl.output.Outline;
import dev.jshim.ctl.output.TaskFields;
import dev.jshim.node.survey.ProcessOwner;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        name = "find",
        description = "Show which container and which shim a process of the host belongs to.",
        footer = {
            "",
            "It uses the cgroup and the parents of the process, and calls no shim. Exits with 1 if the process belongs",
            "to no container of this containerd.",
            "",
            "Example:",
            "  jshimctl find 4711"
        })
public final class FindCommand implements Callable<Integer> {
    private final Cli cli;

    @Parameters(paramLabel = "PID", description = "a process id on the host")
    private int pid;

    public FindCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        if (pid <= 0) {
            throw CliException.usage("\"" + pid + "\" cannot be a process id", "give a number above 0");
        }
        var proc = cli.proc();
        var process = proc.facts(pid);
        if (process == null) {
            throw CliException.failed("there is no process " + pid, "it may have ended just now");
        }
        var owner = ProcessOwner.of(process, cli.reader().read(), proc);
        if (owner == null) {
            throw CliException.failed(
                    pid + " (" + process.name() + ") belongs to no container below "
                            + cli.globals().paths().state(),
                    "--state names another containerd's state directory");
        }
        var shim = owner.shim();
        var fields = new Fields()
                .with("pid", pid)
                .with("program", process.name())
                .with("namespace", owner.task().namespace())
                .with("id", owner.task().id())
                .with("role", owner.role().label())
                .with("by", owner.by())
                .with("initPid", TaskFields.known(owner.initPid()))
                .with("shimPid", shim == null ? null : shim.pid())
                .with("shim", shim == null ? null : String.join(" ", shim.argv()));
        cli.show(fields, () -> Outline.write(cli.out(), cli.screen(), fields));
        return ExitCode.OK;
    }
}
