package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Terminals of adopted containers, as {@code ctr} uses them: the container's own, and an exec's. */
@ParameterizedClass(name = "from containerd {0}")
@MethodSource("oldReleases")
class AdoptedTerminalTest extends MigrationScenario {
    AdoptedTerminalTest(Release old) {
        super(old);
    }

    @Test
    void anExecHasATerminalOfTheClientsSize() {
        legacy("one");
        upgrade();

        String script = "test -t 0 && test -t 1 && test -t 2 && echo three $((1 + 2)) terminals; "
                + "until [ \"$(stty size)\" = '33 77' ]; do sleep 0.1; done; read line; echo got $line; "
                + Turn.HEARD + "; exit 5";
        Outcome exec = node.ctrOnTerminal(
                List.of(Turn.first("typed"), Turn.afterwards("got typed")),
                "task",
                "exec",
                "-t",
                "--fifo-dir",
                node.fifos(),
                "--exec-id",
                "e",
                "one",
                "/bin/sh",
                "-c",
                script);

        assertThat(exec.expect(5).out()).contains("three 3 terminals", "got typed");
        node.remove("one");
    }

    @Test
    void aShellIsAttachedToAfterwards() {
        List<String> args = node.runArgs(Product.LEGACY, List.of("-d", "-t"), "one", "/bin/sh");
        node.ctrOnTerminal(List.of(), args.toArray(String[]::new)).ok();
        upgrade();

        List<Turn> talk = List.of(Turn.first("echo again $((40 + 2))"), Turn.then("again 42", "exit 4"));
        Outcome attached = node.ctrOnTerminal(talk, "task", "attach", "one");

        assertThat(attached.expect(4).out()).contains("again 42");
        node.ctr("task", "rm", "one");
        node.ctr("container", "rm", "one").ok();
    }
}
