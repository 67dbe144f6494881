package dev.jshim.ctl.show;

import dev.jshim.ctl.output.Fields;
import dev.jshim.ctl.output.TaskFields;
import dev.jshim.node.Answer;
import dev.jshim.node.shim.TaskState;

/** A process of a task as its shim sees it, as {@link Fields}. */
final class StateFields {
    private StateFields() {}

    static Fields of(Answer<TaskState> answer) {
        var state = answer.orNull();
        return state == null ? new Fields().with("error", answer.describe()) : of(state);
    }

    static Fields of(TaskState state) {
        var exited = state.exitedAt();
        return new Fields()
                .with("status", state.status().label())
                .with("pid", TaskFields.known(state.pid()))
                .with("terminal", state.terminal())
                .with("exitStatus", exited == null ? null : state.exitStatus())
                .with("exitedAt", exited == null ? null : exited.toString());
    }
}
