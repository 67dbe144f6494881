package dev.jshim.ctl.show;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.CliException;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.cli.TaskArgument;
import dev.jshim.ctl.output.Fields;
import dev.jshim.ctl.output.Table;
import dev.jshim.ctl.output.TaskFields;
import dev.jshim.node.bundle.Bundle;
import dev.jshim.node.bundle.V2Bundle;
import dev.jshim.node.process.JvmStacks;
import dev.jshim.node.process.ProcessFacts;
import dev.jshim.node.process.ProcessSignal;
import dev.jshim.node.process.ThreadFacts;
import dev.jshim.node.shim.ShimProcesses;
import dev.jshim.task.Printable;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "stacks",
        description = "Show the stacks of the threads of a task's shim.",
        footer = {
            "",
            "For every shim, shows its threads and where each waits in the kernel; for a JVM (jshim's own shim) also its",
            "stacks, as from jstack. --dump sends SIGUSR1 to a v2 shim written in Go, which then writes its stacks to its",
            "log; containerd copies that into its own log. A v1 shim never gets a signal.",
            "",
            "Examples:",
            "  jshimctl stacks web",
            "  jshimctl stacks web --dump"
        })
public final class StacksCommand implements Callable<Integer> {
    private static final int SIGUSR1 = 10;

    private final Cli cli;

    @Mixin
    private final TaskArgument argument = new TaskArgument();

    @Option(names = "--dump", description = "make a v2 shim written in Go write its stacks to containerd's log")
    private boolean dump;

    public StacksCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        var bundle = cli.reader().bundle(argument.id());
        var shim = new ShimProcesses(cli.proc()).of(bundle);
        if (shim == null) {
            throw CliException.failed(
                    "cannot find the shim process of " + bundle.task(),
                    "\"jshimctl inspect " + bundle.task().id() + "\" shows what exists");
        }
        var worker = cli.proc().worker(shim);
        var stacks = ofJvm(worker);
        var threads = cli.proc().threads(worker.pid());
        var fields = TaskFields.name(bundle.task())
                .with("shimPid", shim.pid())
                .with("stacks", stacks)
                .with("threads", threads.stream().map(StacksCommand::fields).toList());
        cli.show(fields, () -> {
            if (stacks != null) {
                cli.out().println(Printable.text(stacks.stripTrailing()));
            }
            var table = new Table("TID", "NAME", "STATE", "WAITS IN");
            threads.forEach(thread -> table.row(thread.tid(), thread.name(), thread.state(), thread.waitsIn()));
            table.write(cli.out());
        });
        if (dump) {
            dump(bundle, shim);
        }
        return ExitCode.OK;
    }

    private static Fields fields(ThreadFacts thread) {
        return new Fields()
                .with("tid", thread.tid())
                .with("name", thread.name())
                .with("state", String.valueOf(thread.state()))
                .with("waitsIn", TaskFields.known(thread.waitsIn()))
                .with("kernelStack", thread.kernelStack());
    }

    private @Nullable String ofJvm(ProcessFacts shim) {
        if (!JvmStacks.isJvm(shim, cli.proc())) {
            return null;
        }
        try {
            return JvmStacks.of(shim, cli.proc(), cli.globals().timeout());
        } catch (IOException e) {
            cli.note("no stacks of the JVM: " + e.getMessage());
            return null;
        }
    }

    private void dump(Bundle bundle, ProcessFacts shim) {
        if (!(bundle instanceof V2Bundle)) {
            throw CliException.failed(
                    "--dump does not signal a v1 shim while its container lives",
                    "the kernel's view of its threads is above");
        }
        if (JvmStacks.isJvm(cli.proc().worker(shim), cli.proc()) || !cli.proc().catches(shim.pid(), SIGUSR1)) {
            throw CliException.failed(
                    "shim " + shim.pid() + " is not written in Go and has no such dump: not signalled", "");
        }
        var why = ProcessSignal.send(
                shim.pid(),
                SIGUSR1,
                now -> now.ref().equals(shim.ref()) && cli.proc().catches(now.pid(), SIGUSR1));
        if (why != null) {
            throw CliException.failed(why, "");
        }
        cli.note("sent SIGUSR1 to shim " + shim.pid() + ": its stacks are in containerd's log");
    }
}
