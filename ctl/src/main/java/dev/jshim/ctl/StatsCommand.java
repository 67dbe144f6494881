package dev.jshim.ctl;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import dev.jshim.node.Answer;
import dev.jshim.node.Bundle;
import dev.jshim.node.ProcFs;
import dev.jshim.node.Shim;
import dev.jshim.node.ShimProcesses;
import dev.jshim.shim.cgroup.Cgroup;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "stats",
        description = "Show what a container uses: memory, processor time, processes.",
        footer = {
            "",
            "A v2 shim is asked; for a v1 shim, which has no such call, and for a shim that is mute or gone, the",
            "cgroup is read (\"source\" says which). -o json has all counters.",
            "",
            "Examples:",
            "  jshimctl stats web",
            "  jshimctl stats web --watch"
        })
final class StatsCommand implements Callable<Integer> {
    private final Cli cli;

    @Mixin
    private final TaskArgument argument = new TaskArgument();

    @Mixin
    private final WatchOption watch = new WatchOption();

    StatsCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        return watch.run(cli, this::show);
    }

    private int show(Cli cli) {
        var bundle = cli.reader().bundle(argument.id());
        var answer = Shim.ask(bundle, cli.globals().timeout(), Shim::stats);
        var message =
                answer instanceof Answer.Answered<Any>(var any, var took) ? decoded(any) : fromCgroup(bundle, answer);
        var metrics = Metrics.of(message);
        var fields = TaskFields.name(bundle.task())
                .with("source", answer instanceof Answer.Answered<Any> ? "shim" : "cgroup")
                .with("memoryBytes", metrics.memory())
                .with("memoryLimitBytes", metrics.memoryLimit())
                .with("cpuMillis", metrics.cpuMillis())
                .with("processes", metrics.processes())
                .with("processesLimit", metrics.processesLimit());
        cli.show(
                new Fields().withAll(fields).with("metrics", MessageFields.of(message)),
                () -> Outline.write(cli.out(), fields));
        return ExitCode.OK;
    }

    private static Message decoded(Any any) {
        try {
            return Metrics.parse(any);
        } catch (InvalidProtocolBufferException e) {
            throw CliException.failed("the shim's answer cannot be read: " + e.getMessage(), "");
        }
    }

    private static Message fromCgroup(Bundle bundle, Answer<Any> answer) {
        var processes = new ShimProcesses(ProcFs.system());
        var init = processes.verifiedInit(bundle, processes.of(bundle));
        if (init == null || init.hasEnded()) {
            throw CliException.failed(
                    bundle.task() + " has no living init whose cgroup could be read, and its shim: "
                            + answer.describe(),
                    "");
        }
        try {
            return Cgroup.of(init.pid()).stats();
        } catch (IOException e) {
            throw CliException.failed("the cgroup of " + bundle.task() + " cannot be read: " + e.getMessage(), "");
        }
    }
}
