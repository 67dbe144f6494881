package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The JVM of a shim dies at each step that it takes for a container, as if by kill -9: each call is answered all the
 * same, by what was done or not done, and each exit is told once.
 */
@ParameterizedClass(name = "{0}, {1}")
@MethodSource("points")
class ShimFaultTest extends ShimScenario {
    /** How often a note is written in the life below. */
    private static final int NOTES = 23;

    private static final String[] CALLS = {
        "task-call-create", "task-called-create", "task-ended-create",
        "task-call-start", "task-called-start", "task-ended-start",
        "task-call-exec", "task-called-exec", "task-ended-exec",
        "task-call-pause", "task-called-pause", "task-ended-pause",
        "task-call-resume", "task-called-resume", "task-ended-resume",
        "task-call-kill", "task-called-kill", "task-ended-kill",
        "task-call-delete", "task-called-delete", "task-ended-delete"
    };

    private final String point;

    ShimFaultTest(Setup setup, String point) {
        super(setup);
        this.point = point;
    }

    /** Each of them with {@code --all}, else one of four. */
    static Stream<Arguments> points() {
        List<String> points = allPoints().toList();
        int step = Boolean.getBoolean("jshim.test.all") ? 1 : 4;
        return Setup.lasting()
                .filter(setup -> setup.ours() && !setup.wholeNode())
                .flatMap(setup -> IntStream.range(0, points.size())
                        .filter(number -> number % step == 0)
                        .mapToObj(points::get)
                        .map(point -> Arguments.of(setup, point.contains(":") ? point : point + ":1")));
    }

    private static Stream<String> allPoints() {
        var steps = Stream.of("task-create", "task-create-noted", "task-create-mounted");
        var calls = Stream.of(CALLS);
        var notes = IntStream.rangeClosed(1, NOTES).mapToObj(number -> "task-noted:" + number);
        var exits = IntStream.rangeClosed(1, 3).mapToObj(number -> "exit-noted:" + number);
        var ends = IntStream.rangeClosed(1, 3).mapToObj(number -> "task-gone:" + number);
        return Stream.of(steps, calls, notes, exits, ends).flatMap(each -> each);
    }

    @Override
    void prepare() {
        node.setVariable("JSHIM_JAVA_OPTS", "-Djshim.fault=" + point + ":halt:" + died());
    }

    private Path died() {
        return node.dir().resolve("died");
    }

    @Test
    void nobodyNotices() throws Exception {
        EventLog events = EventLog.open(node);
        ProcessFacts init = node.runDetached(runtime, "one", "/bin/sleep", "1000");

        assertThat(node.echo("one", "e", "a word")).isEqualTo("a word");
        assertThat(node.exec("one", "f", "/bin/sh", "-c", "exit 7").code()).isEqualTo(7);
        assertThat(node.init("one")).isEqualTo(init);
        node.ctr("task", "pause", "one").ok();
        assertThat(Tasks.of(node).get("one").status()).isEqualTo("PAUSED");
        node.ctr("task", "resume", "one").ok();
        assertThat(Tasks.of(node).get("one").status()).isEqualTo("RUNNING");
        node.ctr("task", "kill", "-s", "KILL", "one").ok();
        assertThat(events.exit("one", "one").number("exit_status")).isEqualTo(137);
        assertThat(node.ctr("task", "rm", "one").err()).contains("exit code 137");
        node.ctr("container", "rm", "one").ok();

        assertThat(events.exits("one", "one")).hasSize(1);
        assertThat(events.exits("one", "e")).hasSize(1);
        assertThat(events.exits("one", "f")).hasSize(1);
        assertThat(Files.exists(died())).as("it came to that point").isTrue();
    }
}
