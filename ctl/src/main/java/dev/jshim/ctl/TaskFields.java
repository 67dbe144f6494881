package dev.jshim.ctl;

import dev.jshim.node.Answer;
import dev.jshim.node.NodeTask;
import dev.jshim.node.TaskState;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The fields of a task that more than one command shows. */
final class TaskFields {
    private TaskFields() {}

    static Fields summary(NodeTask task) {
        var socket = task.bundle().socket();
        return new Fields()
                .with("namespace", task.task().namespace())
                .with("id", task.task().id())
                .with("api", task.api())
                .with("bridged", task.isBridged())
                .with("runtime", task.runtime())
                .with("status", task.status().label())
                .with("pid", known(task.pid()))
                .with("shimPid", known(task.shimPid()))
                .with("socketKind", socket == null ? null : socket.kind())
                .with("answerMillis", task.state() instanceof Answer.Answered<TaskState> a ? millis(a.took()) : null)
                .with(
                        "answerError",
                        task.state().orNull() == null ? task.state().describe() : null)
                .with("health", task.health().label())
                .with("troubles", task.troubles());
    }

    /** For a column: milliseconds, or a word for what came instead. */
    static String answer(Answer<TaskState> answer) {
        return switch (answer) {
            case Answer.Answered<TaskState> answered -> millis(answered.took()) + " ms";
            case Answer.Refused<TaskState> refused -> "error";
            case Answer.Mute<TaskState> mute -> "mute";
            case Answer.Absent<TaskState> absent -> "absent";
        };
    }

    /** Null for 0, which stands for no pid. */
    static @Nullable Integer known(int pid) {
        return pid == 0 ? null : pid;
    }

    /** Null for an empty text. */
    static @Nullable String known(String text) {
        return text.isEmpty() ? null : text;
    }

    private static double millis(Duration took) {
        return Math.round(took.toNanos() / 10_000.0) / 100.0;
    }
}
