package dev.jshim.shim.task;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import dev.jshim.proto.v2.events.TaskExit;
import dev.jshim.task.ExecRequest;
import dev.jshim.task.Stdio;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class ExitEventsTest {
    private final List<String> published = new ArrayList<>();
    private final ExitEvents exits = new ExitEvents(event -> {
        var exit = (TaskExit) event;
        published.add(exit.getContainerId() + " " + exit.getId() + " " + exit.getExitStatus());
    });
    private final ScriptedTask task = new ScriptedTask("box", Path.of("/b"));

    private void follow(String... execs) {
        exits.follow(task, "");
        for (var exec : execs) {
            task.exec(new ExecRequest(exec, Stdio.NONE, Any.getDefaultInstance()));
            exits.follow(task, exec);
        }
    }

    @Test
    void thatOfInitIsTheLastHoweverTheyAreTold() {
        follow("a", "b");
        task.end("a", 1);
        task.end("", 9);
        assertThat(published).containsExactly("box a 1");
        task.end("b", 2);
        assertThat(published).containsExactly("box a 1", "box b 2", "box box 9");
        exits.end(task);
    }

    @Test
    void oneThatIsThereAlreadyIsPublishedAtOnce() {
        task.end("", 3);
        follow();
        assertThat(published).containsExactly("box box 3");
    }

    @Test
    void anExecThatFailsHoldsUpNobody() {
        follow("a");
        task.fail("a");
        task.end("", 9);
        assertThat(published).containsExactly("box box 9");
        exits.end(task);
    }

    @Test
    void tasksOfTheSameIdAreNotMixedUp() {
        follow();
        var other = new ScriptedTask("box", Path.of("/b"));
        exits.follow(other, "");
        other.end("", 5);
        exits.end(other);
        assertThat(published).containsExactly("box box 5");
        task.end("", 6);
        exits.end(task);
        assertThat(published).containsExactly("box box 5", "box box 6");
    }
}
