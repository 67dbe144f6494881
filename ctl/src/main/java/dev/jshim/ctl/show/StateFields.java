package dev.jshim.ctl.show;

import dev.jshim.ctl.output.Fields;
import dev.jshim.ctl.output.TaskFields;
import dev.jshim.node.Answer;
import dev.jshim.task.Exit;
import dev.jshim.task.ProcessState;

/** A process of a task as its shim sees it, as {@link Fields}. */
final class StateFields {
    private StateFields() {}

    static Fields of(Answer<ProcessState> answer) {
        var state = answer.orNull();
        return state == null ? new Fields().with("error", answer.describe()) : of(state);
    }

    static Fields of(ProcessState state) {
        var exit = state.exit();
        var at = exit == null || exit.at().equals(Exit.NEVER) ? null : exit.at();
        return new Fields()
                .with("status", state.status().label())
                .with("pid", TaskFields.known(state.pid()))
                .with("terminal", state.stdio().terminal())
                .with("exitStatus", exit == null || at == null ? null : exit.status())
                .with("exitedAt", at == null ? null : at.toString());
    }
}
