package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What {@code start} answers to which containerd. */
class DialectTest extends OptionScenario {
    private static final String[] POD = {"--annotation", "io.kubernetes.cri.sandbox-id=pod"};
    private static final String BARE = "unix:///run/jshim/s/\\p{XDigit}{64}/sock";

    @ParameterizedTest
    @EnumSource
    void theBestThatItUnderstands(Release release) {
        start(release, "");
        sleeper("one");

        assertThat(bundleFile("one", "address")).matches(BARE);
        if (release == Release.V2) {
            assertThat(bundleFile("one", "bootstrap.json")).contains("\"version\":3", "\"protocol\":\"ttrpc\"");
        }
        node.stop();
        node.start();
        assertThat(node.echo("one", "e", "still there")).isEqualTo("still there");
        node.remove("one");
    }

    @Test
    void asConfigured() {
        start(Release.V2, "TaskApi = 2\n");
        sleeper("one");

        assertThat(bundleFile("one", "bootstrap.json")).contains("\"version\":2");
        assertThat(node.echo("one", "e", "in")).isEqualTo("in");
        node.remove("one");
    }

    /** The containers of one pod, made by two daemons: each is answered in its own dialect. */
    @Test
    void aPodThroughAnUpgradeAndBack() {
        start(Release.V1_7, "Grouping = \"pod\"\n");
        ProcessFacts shim = sleeper("pod", POD);

        node.switchTo(Release.V2);
        assertThat(sleeper("new", POD)).isEqualTo(shim);
        assertThat(bundleFile("new", "bootstrap.json")).contains("\"version\":3");
        node.switchTo(Release.V1_7);
        assertThat(sleeper("old", POD)).isEqualTo(shim);
        assertThat(bundleFile("old", "address")).matches(BARE);
        assertThat(node.echo("new", "e", "in")).isEqualTo("in");
        for (String id : new String[] {"pod", "new", "old"}) {
            node.remove(id);
        }
    }

    @ParameterizedTest
    @EnumSource
    void theSecondName(Release release) {
        start(release, "");

        assertThat(node.say("io.containerd.runtime.v2.process", "one", "out")).isEqualTo("out");
        String program = Product.bin().resolve("containerd-shim-v2-process").toString();
        assertThat(Run.of(List.of(program, "-v")).run().ok().out()).startsWith("containerd-shim-v2-process:");
        // It takes the folder that it is started in for a bundle, and writes there.
        List<String> inFolder =
                List.of("/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", node.dir().toString(), program);
        assertThat(Run.of(Stream.concat(inFolder.stream(), Stream.of("-id", "x", "start"))
                                .toList())
                        .run()
                        .expect(1)
                        .err())
                .startsWith("jshim: flag -namespace is missing");
    }
}
