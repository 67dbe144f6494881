package dev.jshim.ctl.output;

import dev.jshim.node.Answer;
import dev.jshim.node.bundle.OciConfig;
import dev.jshim.node.survey.NodeTask;
import dev.jshim.task.ProcessState;
import dev.jshim.task.TaskId;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The fields of a task that more than one command shows. */
public final class TaskFields {
    private TaskFields() {}

    /** Namespace and id. */
    public static Fields name(TaskId task) {
        return new Fields().with("namespace", task.namespace()).with("id", task.id());
    }

    /** Of a row that begins with these, as one word. */
    public static String name(Fields row) {
        return row.get("namespace") + "/" + row.get("id");
    }

    public static Fields summary(NodeTask task) {
        var socket = task.bundle().socket();
        var pod = task.bundle().pod();
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
                .with("answer", task.state().word())
                .with("answerMillis", task.state() instanceof Answer.Answered<ProcessState> a ? millis(a.took()) : null)
                .with(
                        "answerError",
                        task.state().orNull() == null ? task.state().describe() : null)
                .with("health", task.health().label())
                .with("podNamespace", pod == null ? null : known(pod.namespace()))
                .with("pod", pod == null ? null : known(pod.name()))
                .with("container", pod == null ? null : known(pod.container()))
                .with("address", socket == null ? null : socket.address())
                .with("bundle", task.bundle().path().toString())
                .with(
                        "command",
                        task.bundle().config() instanceof OciConfig.Spec spec
                                ? known(String.join(" ", spec.args()))
                                : null)
                .with("troubles", task.troubles());
    }

    /** For a column, of a {@link #summary}: milliseconds, or a word for what came instead. */
    public static String answer(Fields summary) {
        var millis = summary.get("answerMillis");
        return millis == null ? String.valueOf(summary.get("answer")) : millis + " ms";
    }

    /** Null for 0, which stands for no pid. */
    public static @Nullable Integer known(int pid) {
        return pid == 0 ? null : pid;
    }

    /** Permission bits as chmod(1) has them; null if there are none. */
    public static @Nullable String mode(@Nullable Integer bits) {
        return bits == null ? null : String.format("%04o", bits & 07777);
    }

    /** Null for an empty text. */
    public static @Nullable String known(String text) {
        return text.isEmpty() ? null : text;
    }

    /** Milliseconds, to the hundredth. */
    public static double millis(Duration took) {
        return Math.round(took.toNanos() / 10_000.0) / 100.0;
    }
}
