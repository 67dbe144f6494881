package dev.jshim.ctl.metrics;

import dev.jshim.linux.ProcessId;
import dev.jshim.node.bundle.V1Bundle;
import dev.jshim.node.leftover.Leftover;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.process.ProcessFacts;
import dev.jshim.node.process.ProcessUsage;
import dev.jshim.node.shim.KeeperState;
import dev.jshim.node.shim.KeptShim;
import dev.jshim.node.survey.Health;
import dev.jshim.node.survey.NodeTask;
import dev.jshim.task.ProcessStatus;
import io.prometheus.metrics.config.EscapingScheme;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A node at one moment, as metrics; docs/metrics.md explains each. What can be counted has a sample also if it is 0, so
 * that an alert does not wait for the first one; what is not known has none. Not thread-safe.
 */
final class NodeMetrics {
    private static final String ADOPTED = "adopted";
    private static final String BRIDGE = "bridge";
    private static final String SHIM = "shim";

    /** USER_HZ, the same on x86-64 and aarch64 (times(2)). */
    private static final double TICKS_PER_SECOND = 100;

    private final List<Family> families = new ArrayList<>();
    private final ProcFs proc;
    private final long boot;

    private final Family shims = family("jshim_shims", "Running shims, and the bridge, by program.");
    private final Family memory = family(
            "jshim_shim_pss_bytes", "Memory of the shims by program (Pss); for jshim's own including their keepers.");
    private final Family jvms =
            family("jshim_jvms", "JVMs of jshim by state; waiting means that it dies again and again.");
    private final Family restarts = family(
            "jshim_jvm_restarts", "How often the existing JVMs have died and were started again by their keepers.");
    private final Family deaths =
            family("jshim_jvm_last_death_timestamp_seconds", "When one of the existing JVMs died last.");
    private final Family starts = family(
            "jshim_jvm_start_timestamp_seconds", "When the oldest and the newest of the running JVMs were started.");

    /** @param version of jshim */
    NodeMetrics(String version, ProcFs proc) {
        this.proc = proc;
        boot = proc.bootTime();
        family("jshim_build_info", "The version of jshim that made these metrics.")
                .put(1, "version", version);
        for (var program : List.of(SHIM, BRIDGE)) {
            for (var state : List.of("starting", "serving", "waiting")) {
                jvms.put(0, "program", program, "state", state);
            }
            restarts.put(0, "program", program);
        }
    }

    private Family family(String name, String help) {
        var out = new Family(name, help);
        families.add(out);
        return out;
    }

    /** The tasks, by API and health, and what the shims take that serve them. */
    void tasks(List<NodeTask> tasks) {
        var all = family("jshim_tasks", "Tasks by the API of their shims and by health, as in jshimctl ls.");
        for (var api : List.of("v1", "v2", "v3", ADOPTED)) {
            for (var health : Health.values()) {
                all.put(0, "api", api, "health", health.label());
            }
        }
        tasks.forEach(task -> all.add(
                1,
                "api",
                task.isBridged() ? ADOPTED : task.api(),
                "health",
                task.health().label()));
        family(
                        "jshim_v1_containers_left",
                        "Containers on the v1 runtime that are not adopted: containerd 2.x would not see them.")
                .put((double) tasks.stream().filter(NodeMetrics::isLeft).count());
        var seen = new HashSet<ProcessId>();
        for (var task : tasks) {
            var shim = task.shim();
            // jshim's own are counted by their keepers, with those that have no task now
            if (shim != null && task.keeper() == null && seen.add(shim.ref())) {
                measure(shim.name(), List.of(shim));
            }
        }
    }

    /** As {@code check} says it of a container. */
    private static boolean isLeft(NodeTask task) {
        return task.bundle() instanceof V1Bundle && !task.isBridged() && (task.initLives() || task.shim() != null);
    }

    /** jshim's own shims, those without a task too. */
    void shims(Collection<KeptShim> kept) {
        for (var shim : kept) {
            keeper(SHIM, shim.keeper());
        }
    }

    /**
     * The bridge.
     *
     * @param pid of the bridge, 0 if none answers
     * @param keeper of its keeper; null if there is none
     * @param unseen how many containers it serves that containerd took for exited: keeper and bridge have died together
     */
    void bridge(int pid, @Nullable KeeperState keeper, int unseen) {
        family("jshim_bridge_up", "Whether a bridge serves the adopted containers.")
                .put(pid == 0 ? 0 : 1);
        family("jshim_bridge_keeper_up", "Whether the bridge has a keeper, which starts it again if it dies.")
                .put(keeper == null ? 0 : 1);
        family(
                        "jshim_bridge_unseen_containers",
                        "Adopted containers that run but that containerd considers exited: bridge and keeper died together.")
                .put(unseen);
        if (keeper != null) {
            keeper(BRIDGE, keeper);
            return;
        }
        var alone = pid == 0 ? null : proc.facts(pid);
        if (alone != null) {
            measure(alone.name(), List.of(alone));
            started(BRIDGE, alone);
        }
    }

    /**
     * The exits of adopted containers.
     *
     * @param unreported how many exits, of containers and execs, are noted and not yet reported
     */
    void exits(List<NodeTask> tasks, int unreported) {
        var ended = (int) tasks.stream()
                .filter(task -> task.isBridged() && task.status() == ProcessStatus.STOPPED)
                .count();
        family(
                        "jshim_adopted_exits",
                        "Exits of adopted containers: not yet reported to containerd, or reported and the task not yet"
                                + " deleted.")
                .put(unreported, "reported", "no")
                .put(Math.max(0, ended - unreported), "reported", "yes");
    }

    /** What was left behind, by kind. */
    void leftovers(List<Leftover> found) {
        var all = family("jshim_leftovers", "Leftovers that nobody uses, by kind, as in jshimctl bundles.");
        for (var kind : Leftover.Kind.values()) {
            all.put(
                    (double) found.stream().filter(left -> left.kind() == kind).count(),
                    "kind",
                    kind.name().toLowerCase(Locale.ROOT));
        }
    }

    /** What could not be read of containerd's folders. */
    void problems(int problems) {
        family(
                        "jshim_unreadable",
                        "Directories of containerd's that could not be read; the other numbers are then too low.")
                .put(problems);
    }

    /** What {@code check} finds. */
    void findings(int errors, int warnings) {
        family(
                        "jshim_check_findings",
                        "Findings of jshimctl check; errors must be fixed before an upgrade to containerd 2.x.")
                .put(errors, "level", "error")
                .put(warnings, "level", "warning");
    }

    /** How long all of it took. */
    void took(double seconds) {
        family("jshim_collection_duration_seconds", "How long the run took.").put(seconds);
    }

    private void keeper(String program, KeeperState state) {
        jvms.add(1, "program", program, "state", state.state());
        restarts.add(state.restarts(), "program", program);
        if (state.restarts() > 0) {
            deaths.most((double) state.at().getEpochSecond(), "program", program);
        }
        var keeper = proc.facts(state.keeper().pid());
        var jvm = state.process().pid() == 0 ? null : proc.facts(state.process().pid());
        var named = jvm == null ? keeper : jvm;
        if (named != null) {
            measure(
                    named.name(),
                    Stream.of(keeper, jvm).filter(Objects::nonNull).toList());
        }
        if (jvm != null) {
            started(program, jvm);
        }
    }

    private void measure(String program, List<ProcessFacts> processes) {
        shims.add(1, "program", program);
        var usage = processes.stream()
                .map(process -> proc.usage(process.pid()))
                .filter(Objects::nonNull)
                .reduce(ProcessUsage::and)
                .orElse(null);
        if (usage != null && usage.pssKib() >= 0) {
            memory.add(usage.pssKib() * 1024.0, "program", program);
        }
    }

    private void started(String program, ProcessFacts jvm) {
        if (boot == 0) {
            return;
        }
        var start = boot + jvm.ref().startTicks() / TICKS_PER_SECOND;
        starts.least(start, "program", program, "jvm", "oldest").most(start, "program", program, "jvm", "newest");
    }

    /** All of it in Prometheus' text format. */
    String text() {
        var all = families.stream().map(Family::snapshot).toArray(MetricSnapshot[]::new);
        try (var out = new ByteArrayOutputStream()) {
            PrometheusTextFormatWriter.create()
                    .write(out, new MetricSnapshots(all), EscapingScheme.UNDERSCORE_ESCAPING);
            return out.toString(StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e); // not into memory
        }
    }
}
