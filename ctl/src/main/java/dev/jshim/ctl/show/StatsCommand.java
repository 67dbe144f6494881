package dev.jshim.ctl.show;

import com.google.protobuf.Any;
import com.google.protobuf.Message;
import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.CliException;
import dev.jshim.ctl.cli.DurationConverter;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.cli.Listing;
import dev.jshim.ctl.cli.Lists;
import dev.jshim.ctl.cli.RowOptions;
import dev.jshim.ctl.cli.TaskArgument;
import dev.jshim.ctl.cli.WatchOption;
import dev.jshim.ctl.output.Fields;
import dev.jshim.ctl.output.MessageFields;
import dev.jshim.ctl.output.TaskFields;
import dev.jshim.node.Answer;
import dev.jshim.node.bundle.Bundle;
import dev.jshim.node.shim.ShimProcesses;
import dev.jshim.node.shim.Shims;
import dev.jshim.node.survey.NodeTask;
import dev.jshim.shim.cgroup.Cgroup;
import dev.jshim.task.ProcessStatus;
import dev.jshim.task.TaskId;
import dev.jshim.task.client.ShimTask;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "stats",
        description = "Show the memory, processor time and processes of a container, or of each running one.",
        footer = {
            "",
            "The figures come from the v2 shim. If the shim has no such call (v1), is mute or gone, they come from the",
            "cgroup (\"source\" says which). With an ID, -o json has all counters. MEM% is the share of the limit. CPU% is",
            "the share of one processor during --sample, or with --watch since the previous round.",
            "Without an ID, exits with 3 if the figures of a running container are incomplete.",
            "",
            "Examples:",
            "  jshimctl stats",
            "  jshimctl stats -n k8s.io --sort-by cpuPercent --watch",
            "  jshimctl stats web -o json"
        })
public final class StatsCommand implements Callable<Integer>, Lists {
    private static final double NANOS_PER_SECOND = 1e9;
    private static final String CGROUP = "cgroup";
    private static final String CPU_PERCENT = "cpuPercent";

    private static final Listing LISTING = new Listing()
            .column("NAMESPACE", "namespace")
            .column("ID", "id")
            .column("MEMORY", row -> Units.bytes(row.get("memoryBytes")))
            .column("LIMIT", row -> Units.bytes(row.get("memoryLimitBytes")))
            .column("MEM%", "memoryPercent")
            .column("CPU%", CPU_PERCENT)
            .column("CPU TIME", row -> Units.millis(row.get("cpuMillis")))
            .column("PROCESSES", "processes")
            .wide("MOST PROCESSES", "processesLimit")
            .wide("SOURCE", "source")
            .besides("memoryBytes", "memoryLimitBytes", "cpuMillis")
            .named(TaskFields::name);

    /** What has not begun or has ended. */
    private static final Set<ProcessStatus> IDLE = Set.of(ProcessStatus.CREATED, ProcessStatus.STOPPED);

    private final Cli cli;

    /** What was counted in the round before. */
    private final Map<TaskId, Counted> before = new HashMap<>();

    @Parameters(paramLabel = "ID", arity = "0..1", description = TaskArgument.DESCRIPTION + " (default: all that run)")
    private @Nullable String id;

    @Option(
            names = "--sample",
            paramLabel = "TIME",
            converter = DurationConverter.class,
            description = "how long processor time is counted to know its rate (default: 1s)")
    private Duration sample = Duration.ofSeconds(1);

    @Mixin
    private final RowOptions which = new RowOptions();

    @Mixin
    private final WatchOption watch = new WatchOption();

    public StatsCommand(Cli cli) {
        this.cli = cli;
    }

    /**
     * What was counted, and by whom.
     *
     * @param nanos when, by {@link System#nanoTime}
     */
    private record Counted(Message message, String source, long nanos) {
        Counted(Message message, String source) {
            this(message, source, System.nanoTime());
        }
    }

    @Override
    public Listing listing() {
        return LISTING;
    }

    @Override
    public Integer call() {
        which.check(LISTING);
        var meant = id;
        return watch.run(cli, meant == null ? this::showAll : cli -> show(cli, meant));
    }

    private int show(Cli cli, String id) {
        var task = cli.reader().find(id);
        var all = counted(cli, List.of(task), (_, failure) -> {
            throw failure;
        });
        var counted = Objects.requireNonNull(all.get(task.task()));
        var row = row(task, counted);
        cli.show(
                new Fields().withAll(row).with("metrics", MessageFields.of(counted.message())),
                () -> LISTING.write(cli, List.of(row)));
        before.put(task.task(), counted);
        return ExitCode.OK;
    }

    /** Of those that run or are paused, all asked at once: several mute shims together cost one timeout. */
    private int showAll(Cli cli) {
        var reader = cli.reader();
        var node = reader.read();
        var tasks = reader.ask(node.bundles()).stream()
                .filter(task -> task.initLives() && !IDLE.contains(task.status()))
                .toList();
        var problems = new ArrayList<>(node.problems());
        var counted = counted(cli, tasks, (task, failure) -> {
            if (lives(cli, task)) {
                problems.add(failure.text());
            }
        });
        var all = new ArrayList<Fields>();
        for (var task : tasks) {
            var each = counted.get(task.task());
            if (each != null || lives(cli, task)) {
                all.add(row(task, each));
            }
        }
        before.clear();
        before.putAll(counted);
        var rows = which.of(all);
        cli.show(new Fields().with("tasks", rows).with("problems", problems), () -> LISTING.write(cli, rows));
        problems.forEach(cli::note);
        return problems.isEmpty() ? ExitCode.OK : ExitCode.FINDINGS;
    }

    /**
     * What each uses, as far as it is known. In the first round twice, so that a rate is known.
     *
     * @param failed hears of whom it is not known, and why
     */
    private Map<TaskId, Counted> counted(Cli cli, List<NodeTask> tasks, BiConsumer<NodeTask, CliException> failed) {
        var processes = new ShimProcesses(cli.proc());
        var first = atOnce(tasks, task -> count(cli, task, processes), failed);
        if (!before.isEmpty() || first.isEmpty() || !showsRate()) {
            return first;
        }
        before.putAll(first);
        sleep();
        var known =
                tasks.stream().filter(task -> first.containsKey(task.task())).toList();
        // One that has ended by now is shown as it was.
        var out = new HashMap<>(first);
        out.putAll(atOnce(known, task -> again(cli, task, processes), (_, _) -> {}));
        return out;
    }

    /** Whether somebody will see a rate: to wait for one takes time. */
    private boolean showsRate() {
        var format = cli.globals().output();
        return switch (format.kind()) {
            case NAME -> false;
            case COLUMNS ->
                format.columns().stream().anyMatch(column -> column.field().equals(CPU_PERCENT));
            default -> true;
        };
    }

    private void sleep() {
        try {
            Thread.sleep(sample);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    private static Map<TaskId, Counted> atOnce(
            List<NodeTask> tasks, Function<NodeTask, Counted> count, BiConsumer<NodeTask, CliException> failed) {
        var out = new HashMap<TaskId, Counted>();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var asked = tasks.stream()
                    .map(task -> threads.submit(() -> count.apply(task)))
                    .toList();
            for (var i = 0; i < tasks.size(); i++) {
                try {
                    out.put(tasks.get(i).task(), result(asked.get(i)));
                } catch (CliException e) {
                    failed.accept(tasks.get(i), e);
                }
            }
        }
        return out;
    }

    /** By the one who has counted before: a mute shim is not asked again. */
    private Counted again(Cli cli, NodeTask task, ShimProcesses processes) {
        return Objects.requireNonNull(before.get(task.task())).source().equals(CGROUP)
                ? fromCgroup(task.bundle(), "", processes)
                : ask(cli, task.bundle(), processes);
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
        var init = task.init();
        return init != null && cli.proc().isAlive(init.ref());
    }

    private Fields row(NodeTask task, @Nullable Counted counted) {
        var metrics = counted == null ? Metrics.NONE : Metrics.of(counted.message());
        var memory = metrics.memory();
        var limit = metrics.memoryLimit();
        return TaskFields.name(task.task())
                .with("source", counted == null ? null : counted.source())
                .with("memoryBytes", memory)
                .with("memoryLimitBytes", limit)
                .with("memoryPercent", memory == null || limit == null ? null : Units.percent(memory, limit))
                .with(CPU_PERCENT, rate(before.get(task.task()), counted))
                .with("cpuMillis", metrics.cpuMillis())
                .with("processes", metrics.processes())
                .with("processesLimit", metrics.processesLimit());
    }

    /** Percent of one processor; null if it is not known, as for a container that was started again meanwhile. */
    private static @Nullable Double rate(@Nullable Counted before, @Nullable Counted now) {
        if (before == null || now == null || now.nanos() <= before.nanos()) {
            return null;
        }
        var then = Metrics.of(before.message()).cpuMillis();
        var used = Metrics.of(now.message()).cpuMillis();
        return then == null || used == null || used < then
                ? null
                : Math.round((used - then) * NANOS_PER_SECOND / (now.nanos() - before.nanos())) / 10.0;
    }

    private static Counted ask(Cli cli, Bundle bundle, ShimProcesses processes) {
        var answer = Shims.ask(bundle, cli.globals().timeout(), ShimTask::stats);
        if (answer.orNull() instanceof Any any) {
            // As of a virtual machine: the host's cgroup would be taken for what its shim has counted.
            throw CliException.failed(
                    bundle.task() + ": the shim's answer cannot be read: it has the type " + any.getTypeUrl(), "");
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
            return new Counted(Cgroup.of(init.pid()).stats(), CGROUP);
        } catch (IOException e) {
            throw CliException.failed("the cgroup of " + bundle.task() + " cannot be read: " + e.getMessage(), "");
        }
    }
}
