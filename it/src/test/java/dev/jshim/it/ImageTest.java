package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Containers whose root file system comes as mounts from a snapshotter. */
@ParameterizedClass(name = "{0}")
@MethodSource("dev.jshim.it.Setup#all")
class ImageTest extends ShimScenario {

    ImageTest(Setup setup) {
        super(setup);
    }

    @Test
    void mountedByTheShimAndUnmounted() throws Exception {
        for (String snapshotter : List.of("native", "overlayfs")) {
            Image.load(node, snapshotter);

            Outcome run = node.ctr(
                    List.of(Turn.afterwards("from " + snapshotter)),
                    "run",
                    "--rm",
                    "--runtime",
                    runtime,
                    "--fifo-dir",
                    node.fifos(),
                    "--snapshotter",
                    snapshotter,
                    Image.NAME,
                    "quick",
                    "sh",
                    "-c",
                    "echo from $0 > /file; cat /file; " + Turn.HEARD,
                    snapshotter);
            assertThat(run.ok().out()).isEqualTo("from " + snapshotter);

            node.ctr(
                            "run",
                            "-d",
                            "--runtime",
                            runtime,
                            "--fifo-dir",
                            node.fifos(),
                            "--snapshotter",
                            snapshotter,
                            Image.NAME,
                            "one",
                            "sleep",
                            "1000")
                    .ok();
            assertThat(Files.readString(Path.of("/proc/" + node.pid() + "/mounts")))
                    .contains(node.bundle("one").resolve("rootfs").toString());
            node.remove("one");
        }
    }

    @Test
    void unmountedWhenTheShimIsKilled() throws Exception {
        forgiveTheGoShim();
        Image.load(node, "overlayfs");
        node.ctr(
                        "run",
                        "-d",
                        "--runtime",
                        runtime,
                        "--fifo-dir",
                        node.fifos(),
                        "--snapshotter",
                        "overlayfs",
                        Image.NAME,
                        "one",
                        "sleep",
                        "1000")
                .ok();
        ProcessFacts init = node.init("one");

        Signal.KILL.to(init.parent());

        Wait.until("its process is gone", () -> !init.alive());
        Wait.until("its bundle is gone", () -> Files.notExists(node.bundle("one")));
        Wait.until("it is forgotten", () -> !Tasks.of(node).has("one"));
        node.ctr("container", "rm", "one").ok();
    }
}
