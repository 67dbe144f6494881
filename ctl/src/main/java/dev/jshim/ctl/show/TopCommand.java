package dev.jshim.ctl.show;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.cli.Listing;
import dev.jshim.ctl.cli.Lists;
import dev.jshim.ctl.cli.RepeatOption;
import dev.jshim.ctl.output.Fields;
import dev.jshim.ctl.output.TaskFields;
import dev.jshim.linux.ProcessId;
import dev.jshim.node.Answer;
import dev.jshim.node.process.ProcessFacts;
import dev.jshim.node.process.ProcessUsage;
import dev.jshim.node.survey.NodeTask;
import dev.jshim.task.ProcessState;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "top",
        description = "Show the shims, repeatedly: memory, processor time, how fast they answer.",
        footer = {
            "",
            "CPU is the share of one processor since the previous round. ANSWER is the time of the slowest of the shim's",
            "tasks. CONTAINER is the first of them, and how many more the shim has; -o json has all. For jshim's own shims,",
            "SHIM is the keeper, and the figures are those of keeper and JVM together.",
            "",
            "Examples:",
            "  jshimctl top",
            "  jshimctl top --sort memory --count 1 -o json"
        })
public final class TopCommand implements Callable<Integer>, Lists {
    /** USER_HZ, the same on x86-64 and aarch64 (times(2)). */
    private static final double TICKS_PER_SECOND = 100;

    private static final Listing LISTING = new Listing()
            .column("SHIM", "shimPid")
            .column("PROGRAM", "program")
            .column("CONTAINER", row -> some(row.get("containers")))
            .column("TASKS", "tasks")
            .column("CPU%", "cpuPercent")
            .column("RSS KIB", "rssKib")
            .column("PSS KIB", "pssKib")
            .column("THREADS", "threads")
            .column("FDS", "fds")
            .column("ANSWER MS", "answerMillis")
            .column("HEALTH", "health")
            .besides("containers")
            .spare("FDS", "THREADS", "TASKS", "PSS KIB");

    private final Cli cli;
    private final Map<List<ProcessId>, Sample> before = new HashMap<>();

    @Mixin
    private final RepeatOption repeat = new RepeatOption();

    @Option(names = "--sort", paramLabel = "BY", description = "cpu, memory or answer (default: cpu)")
    private Order order = Order.cpu;

    /** What comes first. */
    enum Order {
        cpu("cpuPercent"),
        memory("rssKib"),
        answer("answerMillis");

        private final String field;

        Order(String field) {
            this.field = field;
        }
    }

    private record Sample(long ticks, long nanos) {}

    public TopCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Listing listing() {
        return LISTING;
    }

    @Override
    public Integer call() {
        return repeat.run(cli, this::show);
    }

    private int show(Cli cli) {
        var shims = new LinkedHashMap<ProcessFacts, List<NodeTask>>();
        for (var task : cli.reader().ask(cli.reader().read().bundles())) {
            var shim = task.shim();
            if (shim != null) {
                shims.computeIfAbsent(shim, _ -> new ArrayList<>()).add(task);
            }
        }
        var rows = new ArrayList<Fields>();
        shims.forEach((shim, tasks) -> rows.add(fields(shim, tasks)));
        rows.sort(Comparator.comparingDouble(
                        (Fields row) -> row.get(order.field) instanceof Number number ? number.doubleValue() : -1)
                .reversed());
        cli.show(new Fields().with("shims", rows), () -> LISTING.write(cli, rows));
        return ExitCode.OK;
    }

    private Fields fields(ProcessFacts shim, List<NodeTask> tasks) {
        var worker = cli.proc().worker(shim);
        var processes = worker.equals(shim) ? List.of(shim) : List.of(shim, worker);
        var usage = processes.stream()
                .map(process -> cli.proc().usage(process.pid()))
                .filter(Objects::nonNull)
                .reduce(ProcessUsage::and)
                .orElse(null);
        var worst = tasks.stream().map(NodeTask::health).max(Comparator.naturalOrder());
        return new Fields()
                .with("shimPid", shim.pid())
                .with("program", worker.name())
                .with("tasks", tasks.size())
                .with(
                        "containers",
                        tasks.stream().map(task -> task.task().toString()).toList())
                .with("cpuPercent", cpu(processes))
                .with("rssKib", usage == null ? null : usage.rssKib())
                .with("pssKib", usage == null || usage.pssKib() < 0 ? null : usage.pssKib())
                .with("threads", usage == null ? null : usage.threads())
                .with("fds", usage == null ? null : usage.fds())
                .with("answerMillis", slowest(tasks))
                .with("health", worst.isEmpty() ? null : worst.get().label());
    }

    /** The first one, and how many more there are: a pod's shim has its pause container and all others. */
    private static @Nullable String some(@Nullable Object containers) {
        if (!(containers instanceof List<?> all) || all.isEmpty()) {
            return null;
        }
        return all.getFirst() + (all.size() == 1 ? "" : " +" + (all.size() - 1));
    }

    /** Null in the first round, and in the first one of a JVM that was started again. */
    private @Nullable Double cpu(List<ProcessFacts> processes) {
        var ticks = processes.stream()
                .mapToLong(process -> cli.proc().cpuTicks(process.pid()))
                .reduce(0, (sum, each) -> sum < 0 || each < 0 ? -1 : sum + each);
        var now = new Sample(ticks, System.nanoTime());
        var last = before.put(processes.stream().map(ProcessFacts::ref).toList(), now);
        if (last == null || now.ticks() < 0 || now.nanos() <= last.nanos()) {
            return null;
        }
        var seconds = (now.nanos() - last.nanos()) / 1e9;
        return Math.round((now.ticks() - last.ticks()) / TICKS_PER_SECOND / seconds * 1000) / 10.0;
    }

    /** Null if one of them does not answer. */
    private static @Nullable Double slowest(List<NodeTask> tasks) {
        var most = 0.0;
        for (var task : tasks) {
            if (!(task.state() instanceof Answer.Answered<ProcessState> answered)) {
                return null;
            }
            most = Math.max(most, TaskFields.millis(answered.took()));
        }
        return most;
    }
}
