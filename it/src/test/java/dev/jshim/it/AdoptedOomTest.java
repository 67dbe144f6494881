package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Kills for want of memory in an adopted container: the daemon told of them once, now the bridge does. */
@ParameterizedClass(name = "from containerd {0}")
@MethodSource("oldReleases")
class AdoptedOomTest extends MigrationScenario {
    private static final String GREEDY = "exec busybox tail -c 64m /dev/zero >/dev/null";

    AdoptedOomTest(Release old) {
        super(old);
    }

    @Test
    void eachKillIsToldOnceWhoeverServes() {
        EventLog ofOld = EventLog.open(node);
        String script = "while [ ! -e /go ]; do busybox sleep 0.1; done; " + GREEDY;
        node.ctr(node.runArgs(
                                Product.LEGACY,
                                List.of("-d", "--memory-limit", "16777216"),
                                "one",
                                "/bin/sh",
                                "-c",
                                script)
                        .toArray(String[]::new))
                .ok();
        killOneExec("before", ofOld);
        assertThat(ooms(ofOld)).as("told by the old daemon itself").isEqualTo(1);
        migrate("apply", "--yes").ok();
        killOneExec("adopted", ofOld);
        assertThat(ooms(ofOld))
                .as("still told by the old daemon, and by nobody else")
                .isEqualTo(2);

        node.switchTo(Release.V2);
        EventLog ofNew = EventLog.open(node);
        killOneExec("upgraded", ofNew);
        assertThat(ooms(ofNew)).isEqualTo(1);

        node.stop();
        Signal.KILL.to(bridge());
        migrate("apply", "--yes").ok();
        node.start();
        EventLog restarted = EventLog.open(node);
        node.exec("one", "go", "/bin/busybox", "touch", "/go").ok();
        assertThat(restarted.exit("one", "one").number("exit_status")).isEqualTo(137);
        assertThat(restarted.topics("one"))
                .containsOnlyOnce("/tasks/oom")
                .containsSubsequence("/tasks/oom", "/tasks/exit");
        node.remove("one");
        assertThat(ooms(restarted)).isEqualTo(1);
    }

    private void killOneExec(String execId, EventLog events) {
        assertThat(node.exec("one", execId, "/bin/sh", "-c", GREEDY).code()).isEqualTo(137);
        // The kill is told before the exit that it causes, but for a moment's race with the old shim's own word.
        events.exit("one", execId);
        Wait.until("the kill is told", () -> ooms(events) > 0);
    }

    private static long ooms(EventLog events) {
        return events.topics("one").stream().filter("/tasks/oom"::equals).count();
    }
}
