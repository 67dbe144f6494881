package dev.jshim.node.survey;

import dev.jshim.node.Answer;
import dev.jshim.node.bundle.Bundle;
import dev.jshim.node.bundle.V2Bundle;
import dev.jshim.node.process.ProcessFacts;
import dev.jshim.node.shim.KeeperState;
import dev.jshim.task.ProcessState;
import dev.jshim.task.ProcessStatus;
import dev.jshim.task.TaskId;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A task of a node with what its shim answered: a row of {@code jshimctl ls}. An adopted v1 container is one of these,
 * with both of its bundles, and its v1 shim is the one that was asked.
 *
 * @param bundle of the shim that was asked
 * @param bridge the v2 bundle beside a v1 bundle, which the bridge serves; null if there is none
 * @param bridgeState what the bridge answered; null if there is none
 * @param init what {@code init.pid} names, or else what the shim did; null if there is no such process, or its pid is
 *     another's by now
 * @param shim the shim's process; null if none was found
 * @param keeper how that stands if it is the keeper of a JVM; else null
 * @param reusedPid what {@code init.pid} says, if another process has that pid by now and no shim says that the task
 *     has stopped; else 0
 */
public record NodeTask(
        Bundle bundle,
        @Nullable V2Bundle bridge,
        Answer<ProcessState> state,
        @Nullable Answer<ProcessState> bridgeState,
        @Nullable ProcessFacts init,
        @Nullable ProcessFacts shim,
        @Nullable KeeperState keeper,
        int reusedPid) {
    /** The same with what its shim's keeper has written down. */
    NodeTask keptBy(@Nullable KeeperState of) {
        return new NodeTask(bundle, bridge, state, bridgeState, init, shim, of, reusedPid);
    }

    public TaskId task() {
        return bundle.task();
    }

    /** {@code v1}, {@code v2} or {@code v3}. */
    public String api() {
        return bundle.api();
    }

    /** Whether the bridge has adopted it. */
    public boolean isBridged() {
        return bridge != null;
    }

    /** The runtime's name as containerd would have it, as far as the bundle shows it. */
    public String runtime() {
        return bundle.runtime();
    }

    /** As the shim has it; what the processes show if it does not answer. */
    public ProcessStatus status() {
        var known = state.orNull();
        if (known != null) {
            return known.status();
        }
        return initLives()
                ? ProcessStatus.RUNNING
                : bundle.initPid() == 0 ? ProcessStatus.UNKNOWN : ProcessStatus.STOPPED;
    }

    /** Of init, as the shim has it, else of {@code init.pid}; 0 if neither is known, and for a pid used again. */
    public int pid() {
        var known = state.orNull();
        if (known != null && known.pid() != 0) {
            return known.pid();
        }
        return reusedPid == 0 ? bundle.initPid() : 0;
    }

    /** 0 if no shim process was found. */
    public int shimPid() {
        var process = shim;
        return process == null ? 0 : process.pid();
    }

    public boolean initLives() {
        var process = init;
        return process != null && !process.hasEnded();
    }

    public Health health() {
        if (state instanceof Answer.Answered<ProcessState>) {
            return troubles().isEmpty() ? Health.OK : Health.DEGRADED;
        }
        var kept = keeper;
        if (kept != null && !kept.isServing()) {
            return Health.RESTARTING;
        }
        if (state instanceof Answer.Mute<ProcessState>) {
            return Health.MUTE;
        }
        return shim != null ? Health.DEGRADED : withoutShim();
    }

    private Health withoutShim() {
        if (initLives()) {
            return Health.ORPHAN;
        }
        return bundle.initPid() > 0 ? Health.DEAD : Health.LEAKED;
    }

    private void restart(List<String> out) {
        var kept = keeper;
        if (kept != null && kept.isWaiting()) {
            out.add("the shim's JVM dies again and again, " + kept.restarts() + " times so far, last by " + kept.last()
                    + "; its keeper waits before it starts it again");
        } else if (kept != null && !kept.isServing()) {
            out.add("the shim's JVM is being started");
        }
    }

    /** All that is wrong, a sentence each; empty for a task in good order. */
    public List<String> troubles() {
        var out = new ArrayList<>(bundle.problems());
        var known = state.orNull();
        if (known == null) {
            out.add("shim: " + state.describe());
            restart(out);
        } else if (known.status() == ProcessStatus.RUNNING && !initLives()) {
            out.add("the shim reports running, but pid " + known.pid() + " is not alive");
        }
        if (reusedPid != 0) {
            out.add("init.pid has " + reusedPid + ", which is another process now: the container's has ended");
        }
        var adopted = bridge;
        if (adopted != null) {
            for (var problem : adopted.problems()) {
                out.add("v2 bundle: " + problem);
            }
        }
        var bridged = bridgeState;
        if (bridged != null && bridged.orNull() == null) {
            out.add("bridge: " + bridged.describe());
        }
        return out;
    }
}
