package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The JVM of a shim and its daemon die together over a creation, so that nobody asks for it again. */
@ParameterizedClass(name = "{0}, {1}")
@MethodSource("points")
class ShimCutTest extends ShimScenario {
    private final String point;

    ShimCutTest(Setup setup, String point) {
        super(setup);
        this.point = point;
    }

    static Stream<Arguments> points() {
        return Setup.lasting()
                .filter(setup -> setup.ours() && !setup.wholeNode())
                .flatMap(setup -> Stream.of("task-create-mounted", "task-called-create", "task-ended-create")
                        .map(point -> Arguments.of(setup, point)));
    }

    @Override
    void prepare() {
        node.setVariable("JSHIM_JAVA_OPTS", "-Djshim.fault=" + point + ":1:hold:" + held());
    }

    private Path held() {
        return node.dir().resolve("held");
    }

    @Test
    void halfAContainerIsTakenAway() throws Exception {
        Image.load(node, "overlayfs");
        CompletableFuture<Outcome> client = CompletableFuture.supplyAsync(() -> node.ctr(
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
                "1000"));
        Wait.until("it came to that point", () -> Files.exists(held()));
        Path rootfs = node.bundle("one").resolve("rootfs");
        assertThat(mounts()).contains(rootfs.toString());

        long shim = Long.parseLong(
                Files.readString(node.bundle("one").resolve("shim.pid")).strip());
        long jvm = Shims.jvm(shim);
        node.kill9();
        Signal.KILL.to(jvm);

        Wait.until("it is unmounted", () -> !mounts().contains(rootfs.toString()));
        Path state = Path.of("/run/containerd/runc", node.namespace(), "one");
        Wait.until("the runtime has forgotten it", () -> Files.notExists(state));
        assertThat(client.get().code()).isNotZero();
        node.start();
        node.ctr("container", "rm", "one").ok();
    }

    private static String mounts() {
        try {
            return Files.readString(Path.of("/proc/mounts"));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
