package dev.jshim.ctl.show;

import com.google.protobuf.Message;
import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.CliException;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.cli.Listing;
import dev.jshim.ctl.cli.Lists;
import dev.jshim.ctl.cli.TaskArgument;
import dev.jshim.ctl.cli.WatchOption;
import dev.jshim.ctl.output.Fields;
import dev.jshim.ctl.output.MessageFields;
import dev.jshim.ctl.output.Outline;
import dev.jshim.ctl.output.TaskFields;
import dev.jshim.node.Answer;
import dev.jshim.node.bundle.Bundle;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.shim.ShimProcesses;
import dev.jshim.node.shim.Shims;
import dev.jshim.node.survey.NodeTask;
import dev.jshim.shim.cgroup.Cgroup;
import dev.jshim.task.ProcessStatus;
import dev.jshim.task.client.ShimTask;
import io.grpc.Status;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
        name = "stats",
        description = "Show the memory, processor time and processes of a container, or of each running one.",
        footer = {
            "",
            "The figures come from the v2 shim. If the shim has no such call (v1), is mute or gone, they come from the",
            "cgroup (\"source\" says which). With an ID, -o json has all counters. MEM% is the share of the limit.",
            "Without an ID, exits with 3 if the figures of a running container are incomplete.",
            "",
            "Examples:",
            "  jshimctl stats",
            "  jshimctl stats -n k8s.io --watch",
            "  jshimctl stats web -o json"
        })
public final class StatsCommand implements Callable<Integer>, Lists {
    private static final Listing LISTING = new Listing()
            .column("NAMESPACE", "namespace")
            .column("ID", "id")
            .column("MEMORY", row -> Units.bytes(row.get("memoryBytes")))
            .column("LIMIT", row -> Units.bytes(row.get("memoryLimitBytes")))
            .column("MEM%", "memoryPercent")
            .column("CPU TIME", row -> Units.millis(row.get("cpuMillis")))
            .column("PROCESSES", "processes")
            .wide("MOST PROCESSES", "processesLimit")
            .wide("SOURCE", "source")
            .besides("memoryBytes", "memoryLimitBytes", "cpuMillis")
            .named(TaskFields::name);

    /** What has not begun or has ended. */
    private static final Set<ProcessStatus> IDLE = Set.of(ProcessStatus.CREATED, ProcessStatus.STOPPED);

    private final Cli cli;

    @Parameters(paramLabel = "ID", arity = "0..1", description = TaskArgument.DESCRIPTION + " (default: all that run)")
    private @Nullable String id;

    @Mixin
    private final WatchOption watch = new WatchOption();

    public StatsCommand(Cli cli) {
        this.cli = cli;
    }

    /** What was counted, and by whom. */
    private record Counted(Message message, String source) {}

    @Override
    public @Nullable Listing listing() {
        return id == null ? LISTING : null;
    }

    @Override
    public Integer call() {
        var meant = id;
        return watch.run(cli, meant == null ? StatsCommand::showAll : cli -> show(cli, meant));
    }

    private static int show(Cli cli, String id) {
        var bundle = cli.reader().bundle(id);
        var counted = ask(cli, bundle, new ShimProcesses(ProcFs.system()));
        var metrics = Metrics.of(counted.message());
        var fields = TaskFields.name(bundle.task())
                .with("source", counted.source())
                .with("memoryBytes", metrics.memory())
                .with("memoryLimitBytes", metrics.memoryLimit())
                .with("cpuMillis", metrics.cpuMillis())
                .with("processes", metrics.processes())
                .with("processesLimit", metrics.processesLimit());
        cli.show(
                new Fields().withAll(fields).with("metrics", MessageFields.of(counted.message())),
                () -> Outline.write(cli.out(), fields));
        return ExitCode.OK;
    }

    /** Of those that run or are paused, all asked at once: whoever is mute takes one timeout and not one each. */
    private static int showAll(Cli cli) {
        var reader = cli.reader();
        var node = reader.read();
        var tasks = reader.ask(node.bundles()).stream()
                .filter(task -> task.initLives() && !IDLE.contains(task.status()))
                .toList();
        var processes = new ShimProcesses(ProcFs.system());
        var rows = new ArrayList<Fields>();
        var problems = new ArrayList<>(node.problems());
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var asked = tasks.stream()
                    .map(task -> threads.submit(() -> count(cli, task, processes)))
                    .toList();
            for (var i = 0; i < tasks.size(); i++) {
                try {
                    rows.add(row(tasks.get(i), result(asked.get(i))));
                } catch (CliException e) {
                    if (lives(cli, tasks.get(i))) {
                        problems.add(e.text());
                        rows.add(row(tasks.get(i), null));
                    }
                }
            }
        }
        cli.show(new Fields().with("tasks", rows).with("problems", problems), () -> LISTING.write(cli, rows));
        problems.forEach(cli::note);
        return problems.isEmpty() ? ExitCode.OK : ExitCode.FINDINGS;
    }

    /** One that did not say how its task stands is not asked again. */
    private static Counted count(Cli cli, NodeTask task, ShimProcesses processes) {
        return task.state().orNull() == null
                ? fromCgroup(task.bundle(), task.state().describe(), processes)
                : ask(cli, task.bundle(), processes);
    }

    private static Counted result(Future<Counted> future) {
        try {
            return future.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof CliException failure) {
                throw failure;
            }
            throw new IllegalStateException("a container was not counted", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    /** Who has ended since the shims were asked is no row, and no problem. */
    private static boolean lives(Cli cli, NodeTask task) {
        return cli.proc().isAlive(Objects.requireNonNull(task.init()).ref());
    }

    private static Fields row(NodeTask task, @Nullable Counted counted) {
        var metrics = counted == null ? Metrics.NONE : Metrics.of(counted.message());
        var memory = metrics.memory();
        var limit = metrics.memoryLimit();
        return TaskFields.name(task.task())
                .with("source", counted == null ? null : counted.source())
                .with("memoryBytes", memory)
                .with("memoryLimitBytes", limit)
                .with("memoryPercent", memory == null || limit == null ? null : Units.percent(memory, limit))
                .with("cpuMillis", metrics.cpuMillis())
                .with("processes", metrics.processes())
                .with("processesLimit", metrics.processesLimit());
    }

    private static Counted ask(Cli cli, Bundle bundle, ShimProcesses processes) {
        var answer = Shims.ask(bundle, cli.globals().timeout(), ShimTask::stats);
        if (answer instanceof Answer.Refused<Message>(var code, var reason) && code == Status.Code.INTERNAL) {
            // Of a type that is unknown here, as of a virtual machine: the host's cgroup would be taken for its answer.
            throw CliException.failed(bundle.task() + ": " + reason, "");
        }
        return answer instanceof Answer.Answered<Message>(var message, var took)
                ? new Counted(message, "shim")
                : fromCgroup(bundle, answer.describe(), processes);
    }

    private static Counted fromCgroup(Bundle bundle, String answer, ShimProcesses processes) {
        var init = processes.verifiedInit(bundle, processes.of(bundle));
        if (init == null || init.hasEnded()) {
            throw CliException.failed(
                    bundle.task() + " has no live init whose cgroup could be read, and its shim: " + answer, "");
        }
        try {
            return new Counted(Cgroup.of(init.pid()).stats(), "cgroup");
        } catch (IOException e) {
            throw CliException.failed("the cgroup of " + bundle.task() + " cannot be read: " + e.getMessage(), "");
        }
    }
}
