package dev.jshim.node.survey;

import dev.jshim.node.Answer;
import dev.jshim.node.bundle.Bundle;
import dev.jshim.node.bundle.V1Bundle;
import dev.jshim.node.bundle.V2Bundle;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.process.ProcessFacts;
import dev.jshim.node.shim.ShimKeepers;
import dev.jshim.node.shim.ShimProcesses;
import dev.jshim.node.shim.Shims;
import dev.jshim.task.ProcessState;
import dev.jshim.task.ProcessStatus;
import dev.jshim.task.TaskId;
import dev.jshim.task.client.ShimTask;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/** Asks the shims of a node for their tasks, all at once, each with a deadline of its own. Changes nothing. */
public final class TaskSurvey {
    private final ProcFs proc;
    private final Duration timeout;

    /**
     * A survey of the machine's own processes.
     *
     * @param timeout for each connect and each answer
     */
    public TaskSurvey(Duration timeout) {
        this(ProcFs.system(), timeout);
    }

    public TaskSurvey(ProcFs proc, Duration timeout) {
        this.proc = proc;
        this.timeout = timeout;
    }

    /** The tasks of these bundles, in their order, a bridged v1 container as one. */
    public List<NodeTask> of(List<Bundle> bundles) {
        var processes = new ShimProcesses(proc);
        var bridges = bridges(bundles);
        try (var threads = Executors.newThreadPerTaskExecutor(
                task -> Thread.ofVirtual().name("survey").unstarted(task))) {
            var running = new ArrayList<Future<NodeTask>>();
            for (var bundle : bundles) {
                var bridge = bridges.get(bundle.task());
                if (bundle instanceof V1Bundle || bridge == null) {
                    running.add(threads.submit(() -> ask(bundle, bridge, processes, threads)));
                }
            }
            var out = new ArrayList<NodeTask>();
            for (var task : running) {
                out.add(result(task));
            }
            // Only now: what is said of a shim that did not answer is how it stands after that.
            var keepers = ShimKeepers.read();
            out.replaceAll(task -> task.keptBy(keepers.stateOf(task.shim())));
            return out;
        }
    }

    private NodeTask ask(Bundle bundle, @Nullable V2Bundle bridge, ShimProcesses processes, ExecutorService threads) {
        var bridgeState = bridge == null ? null : threads.submit(() -> state(bridge));
        var state = state(bundle);
        var known = state.orNull();
        var init = processes.init(bundle);
        var isStopped = known != null && known.status() == ProcessStatus.STOPPED;
        if (init == null && known != null && !isStopped) {
            init = proc.facts(known.pid());
        }
        var shim = shim(bundle, state, processes);
        // where a shim answers that it runs, it vouches for the pid
        var reused = (known == null || isStopped) && processes.isInitReused(bundle, shim);
        return new NodeTask(
                bundle,
                bridge,
                state,
                bridgeState == null ? null : result(bridgeState),
                reused ? null : init,
                shim,
                null,
                reused && !isStopped ? bundle.initPid() : 0);
    }

    private @Nullable ProcessFacts shim(Bundle bundle, Answer<ProcessState> state, ShimProcesses processes) {
        var found = processes.of(bundle);
        if (found != null || state.orNull() == null) {
            return found;
        }
        var pid = Shims.ask(bundle, timeout, ShimTask::shimPid).orNull();
        return pid == null ? null : proc.facts(pid);
    }

    private Answer<ProcessState> state(Bundle bundle) {
        return Shims.ask(bundle, timeout, task -> task.state(""));
    }

    /** The v2 bundles that the bridge serves, each beside a v1 bundle. */
    private static Map<TaskId, V2Bundle> bridges(List<Bundle> bundles) {
        var legacy = new HashSet<TaskId>();
        var out = new HashMap<TaskId, V2Bundle>();
        for (var bundle : bundles) {
            if (bundle instanceof V1Bundle) {
                legacy.add(bundle.task());
            }
        }
        for (var bundle : bundles) {
            if (bundle instanceof V2Bundle v2 && v2.hasLegacyName() && legacy.contains(v2.task())) {
                out.put(v2.task(), v2);
            }
        }
        return out;
    }

    static <T> T result(Future<T> future) {
        try {
            return future.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException("a survey failed", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }
}
