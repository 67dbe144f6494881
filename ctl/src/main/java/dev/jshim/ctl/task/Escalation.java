package dev.jshim.ctl.task;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.RuntimeCall;
import dev.jshim.ctl.output.Fields;
import dev.jshim.node.bundle.Bundle;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.process.ProcessFacts;
import dev.jshim.node.process.ProcessSignal;
import dev.jshim.node.shim.InitCheck;
import dev.jshim.node.shim.OciRuntime;
import dev.jshim.node.shim.RuntimeState;
import dev.jshim.node.shim.ShimProcesses;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A signal to a container whose shim does not answer: by the OCI runtime, which checks start times itself, and where
 * that fails or hangs, to the processes. Reports each step; signals no process whose container is not certain.
 */
final class Escalation {
    private static final int SIGKILL = 9;
    private static final int ROUNDS = 10;

    private final Cli cli;
    private final Bundle bundle;
    private final int signal;
    private final boolean all;
    private final ProcFs proc;
    private final List<Fields> steps = new ArrayList<>();

    Escalation(Cli cli, Bundle bundle, int signal, boolean all) {
        this.cli = cli;
        this.proc = cli.proc();
        this.bundle = bundle;
        this.signal = signal;
        this.all = all;
    }

    /** What was tried, in order: {@code by done said}. */
    List<Fields> steps() {
        return steps;
    }

    void said(String by, boolean done, String what) {
        steps.add(new Fields().with("by", by).with("done", done).with("said", what));
        cli.note(bundle.task() + ": " + by + ": " + what);
    }

    /** Whether the signal was sent. */
    boolean run() {
        var processes = new ShimProcesses(proc);
        var runtime = OciRuntime.of(bundle, processes.of(bundle));
        var state = runtime.state(bundle.task());
        var init = processes.init(bundle);
        return byRuntime(runtime, init, state) || byProcesses(init, state);
    }

    private boolean byRuntime(OciRuntime runtime, @Nullable ProcessFacts init, @Nullable RuntimeState state) {
        if (state == null) {
            said("runtime", false, "has no state of the container below " + runtime.root());
            return false;
        }
        if (!state.isOf(bundle)) {
            said("runtime", false, "has a container of this id from another bundle: not signalled");
            return false;
        }
        if (init != null && init.stat().lacksFirstThread()) {
            said("runtime", false, "considers a container dead if init has ended its first thread: not called");
            return false;
        }
        var root = runtime.root().resolve(bundle.task().namespace());
        var command = new ArrayList<>(List.of(runtime.binary(), "--root", root.toString(), "kill"));
        if (all) {
            command.add("--all");
        }
        command.add(bundle.task().id());
        command.add(Integer.toString(signal));
        var outcome = RuntimeCall.run(command, cli.globals().timeout());
        said("runtime", outcome.done(), String.join(" ", command) + ": " + (outcome.done() ? "sent" : outcome.said()));
        return outcome.done();
    }

    private boolean byProcesses(@Nullable ProcessFacts init, @Nullable RuntimeState state) {
        var cgroup = state == null || !state.isOf(bundle) ? null : ownCgroup(state);
        if (all && cgroup != null) {
            return byCgroup(cgroup);
        }
        if (init == null) {
            said("process", false, "init is not alive");
            return false;
        }
        switch (InitCheck.of(init, bundle, state, proc)) {
            case OTHER -> {
                said("process", false, "pid " + init.pid() + " is another process now: not signalled");
                return false;
            }
            case UNKNOWN -> {
                said(
                        "process",
                        false,
                        "nothing proves that pid " + init.pid() + " belongs to the container: not signalled");
                return false;
            }
            case SAME -> {}
        }
        var why = ProcessSignal.send(init.pid(), signal, now -> now.ref().equals(init.ref()));
        said("process", why == null, why == null ? "sent to pid " + init.pid() : why);
        return why == null;
    }

    /** One that holds neither pid 1 nor ourselves; null if there is none. */
    private @Nullable Path ownCgroup(RuntimeState state) {
        var self = (int) ProcessHandle.current().pid();
        return state.cgroups().stream()
                .filter(path -> Files.isRegularFile(path.resolve("cgroup.procs")))
                .filter(path -> !members(path).contains(1) && !members(path).contains(self))
                .filter(path ->
                        path.getNameCount() > 4 || path.endsWith(bundle.task().id()))
                .findFirst()
                .orElse(null);
    }

    /** Every process in it; again for what was forked meanwhile, if they cannot refuse. */
    private boolean byCgroup(Path cgroup) {
        var sent = 0;
        for (var round = 0; round < ROUNDS; round++) {
            var living = members(cgroup).stream().filter(proc::isAlive).toList();
            for (var pid : living) {
                // asked when the pidfd is open: a process that is in the cgroup then is meant
                var why = ProcessSignal.send(pid, signal, now -> members(cgroup).contains(now.pid()));
                sent += why == null ? 1 : 0;
            }
            if (living.isEmpty() || signal != SIGKILL) {
                break;
            }
        }
        said("cgroup", sent > 0, sent + " signals sent to the processes in " + cgroup);
        return sent > 0;
    }

    private static List<Integer> members(Path cgroup) {
        try (var lines = Files.lines(cgroup.resolve("cgroup.procs"))) {
            return lines.map(Integer::parseInt).toList();
        } catch (IOException | NumberFormatException e) {
            return List.of();
        }
    }
}
