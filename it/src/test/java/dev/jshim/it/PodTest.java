package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** What containerd 2 makes of version 3: a pod costs one call of the shim's program. */
class PodTest extends OptionScenario {
    private static final String[] IN_THE_POD = {"--sandbox", "pod", "--annotation", "io.kubernetes.cri.sandbox-id=pod"};

    private ProcessFacts pod() {
        ProcessFacts shim = sleeper("pod");
        SandboxStore.create(node, "pod");
        assertThat(sleeper("one", IN_THE_POD)).isEqualTo(shim);
        assertThat(sleeper("two", IN_THE_POD)).isEqualTo(shim);
        return shim;
    }

    @Test
    void oneStartForThreeContainersAndNoDelete() {
        start(Release.V2, "Grouping = \"pod\"\n");
        ProcessFacts shim = pod();

        assertThat(calls("start")).isEqualTo(1);
        assertThat(node.echo("one", "e", "in")).isEqualTo("in");
        node.remove("one");
        assertThat(calls("delete")).isZero();
        node.stop();
        node.start();
        assertThat(Tasks.of(node).isRunning("two")).isTrue();
        assertThat(shim.alive()).isTrue();

        // The last one that goes belongs to the pod: nobody says Shutdown.
        node.remove("pod");
        node.remove("two");
        Wait.until(Duration.ofSeconds(20), "end of a shim that nobody needs", () -> !shim.alive());
    }

    @Test
    void aCallForEachWithVersion2() {
        start(Release.V2, "TaskApi = 2\nGrouping = \"pod\"\n");
        pod();

        assertThat(calls("start")).isEqualTo(3);
        for (String id : new String[] {"one", "two", "pod"}) {
            node.remove(id);
        }
        assertThat(calls("delete")).isEqualTo(3);
    }
}
