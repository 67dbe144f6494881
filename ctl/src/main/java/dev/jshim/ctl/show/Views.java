package dev.jshim.ctl.show;

import dev.jshim.ctl.output.Fields;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.shim.RuntimeState;
import dev.jshim.node.survey.NodeTask;
import dev.jshim.task.ProcessStatus;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A task as the shim, the OCI runtime and the kernel each see it, and where they differ. */
final class Views {
    private final NodeTask task;
    private final @Nullable RuntimeState runtime;
    private final ProcFs proc;

    Views(NodeTask task, @Nullable RuntimeState runtime, ProcFs proc) {
        this.task = task;
        this.runtime = runtime;
        this.proc = proc;
    }

    /** What the runtime keeps; null if it keeps nothing. */
    @Nullable
    Fields runtime() {
        var kept = runtime;
        if (kept == null) {
            return null;
        }
        var init = kept.init();
        return new Fields()
                .with("directory", kept.directory().toString())
                .with("pid", init == null ? null : init.pid())
                .with("startTicks", init == null ? null : init.startTicks())
                .with("alive", init == null ? null : proc.isAlive(init))
                .with("cgroups", kept.cgroups().stream().map(String::valueOf).toList());
    }

    /** Where they differ, a sentence each; empty if all agree, or only one of them knows the task. */
    List<String> differences() {
        var out = new ArrayList<String>();
        var said = task.state().orNull();
        var recorded = runtime == null ? null : runtime.init();
        if (said != null && said.pid() != 0) {
            if (recorded != null && recorded.pid() != said.pid()) {
                out.add("the shim reports pid " + said.pid() + ", the runtime " + recorded.pid());
            }
            if (task.bundle().initPid() != 0 && task.bundle().initPid() != said.pid()) {
                out.add("the shim reports pid " + said.pid() + ", init.pid "
                        + task.bundle().initPid());
            }
        }
        var alive = task.initLives();
        if (said != null && said.status() == ProcessStatus.STOPPED && alive) {
            out.add("the shim reports stopped, but pid " + task.pid() + " is alive");
        }
        if (recorded != null && said != null && said.status() == ProcessStatus.RUNNING && !proc.isAlive(recorded)) {
            out.add("the shim reports running, but the process that the runtime started has ended");
        }
        if (runtime == null && alive && task.bundle().initPid() != 0) {
            out.add("the runtime does not know the container, but its init is alive");
        }
        return out;
    }
}
