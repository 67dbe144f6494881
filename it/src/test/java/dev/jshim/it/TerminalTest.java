package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Containers and execs that have a terminal. */
@ParameterizedClass(name = "{0}")
@MethodSource("dev.jshim.it.Setup#all")
class TerminalTest extends ShimScenario {
    private static final int LINES = 100_000;

    TerminalTest(Setup setup) {
        super(setup);
    }

    @Test
    void aContainerHasATerminalAndPassesItsExitCodeOn() {
        Outcome run = onTerminal(
                "test -t 0 && test -t 1 && test -t 2 && echo three terminals; " + Turn.HEARD + "; exit 5",
                "three terminals");

        assertThat(run.expect(5).out()).contains("three terminals");
    }

    @Test
    void whatIsTypedIsRead() {
        sleeper("one");

        List<Turn> talk = List.of(Turn.first("echo typed $((40 + 2))"), Turn.then("typed 42", "exit 4"));
        Outcome exec = node.ctrOnTerminal(talk, execArgs("/bin/sh"));

        assertThat(exec.expect(4).out()).contains("typed 42");
        node.remove("one");
    }

    @Test
    void muchOutputArrivesWithoutLoss() {
        sleeper("one");

        Outcome exec = node.ctrOnTerminal(
                List.of(Turn.afterwards(Integer.toString(LINES))),
                execArgs("/bin/sh", "-c", "seq 1 " + LINES + "; " + Turn.HEARD));

        // How each of two terminals ends a line is its own business.
        List<String> numbers = exec.ok()
                .out()
                .lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .toList();
        List<String> all =
                IntStream.rangeClosed(1, LINES).mapToObj(Integer::toString).toList();
        assertThat(numbers).hasSameSizeAs(all);
        assertThat(numbers.equals(all)).as("every number, in order").isTrue();
        node.remove("one");
    }

    @Test
    void aTerminalGetsTheSizeOfTheClients() {
        Outcome run = onTerminal(
                "until [ \"$(stty size)\" = '33 77' ]; do sleep 0.1; done; echo resized; " + Turn.HEARD, "resized");

        assertThat(run.ok().out()).contains("resized");
    }

    @Test
    void aClientLeavesAndAnotherComes() {
        List<String> args = node.runArgs(runtime, List.of("-d", "-t"), "one", "/bin/sh");
        node.ctrOnTerminal(List.of(), args.toArray(String[]::new)).ok();

        // A client that attaches opens stdin and stdout each at its own time: it may type before it listens, and what
        // nobody listens to is lost when the container ends.
        List<Turn> talk = List.of(Turn.first("echo again $((40 + 2))"), Turn.then("again 42", "exit 4"));
        Outcome attached = node.ctrOnTerminal(talk, "task", "attach", "one");

        assertThat(attached.expect(4).out()).contains("again 42");
        node.ctr("task", "rm", "one");
        node.ctr("container", "rm", "one").ok();
    }

    private Outcome onTerminal(String script, String lastWords) {
        List<String> args = node.runArgs(runtime, List.of("--rm", "-t"), "one", "/bin/sh", "-c", script);
        return node.ctrOnTerminal(List.of(Turn.afterwards(lastWords)), args.toArray(String[]::new));
    }

    private String[] execArgs(String... argv) {
        List<String> args = new ArrayList<>(List.of("task", "exec", "-t", "--fifo-dir", node.fifos()));
        args.addAll(List.of("--exec-id", "e", "one"));
        args.addAll(List.of(argv));
        return args.toArray(String[]::new);
    }
}
