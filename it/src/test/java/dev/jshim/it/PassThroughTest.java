package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Output FIFOs in the hands of init itself, as on a machine without CRIU: no byte of it crosses the shim. */
@ParameterizedClass(name = "{0}")
@MethodSource("dev.jshim.it.Setup#all")
class PassThroughTest extends ShimScenario {
    PassThroughTest(Setup setup) {
        super(setup);
    }

    @BeforeEach
    void withoutCriu() {
        node.stop();
        node.hide("criu");
        node.start();
    }

    @Test
    void fiftyMegabytesOfOutputArriveUnchanged() throws Exception {
        Noise.throughAContainer(node, runtime);
    }

    @Test
    void theContainerHasTheClientsFifoAndWritesOnWithoutAReader() throws Exception {
        Counter counter = Counter.start(node, runtime, "one");
        if (setup.ours()) {
            int init = Integer.parseInt(
                    Files.readString(node.bundle("one").resolve("init.pid")).strip());
            Path stdout = Files.readSymbolicLink(Path.of("/proc/" + init + "/fd/1"));
            assertThat(stdout.toString()).doesNotStartWith("pipe:").contains("stdout");
        }

        node.kill9();
        counter.awaitProgress();
        node.start();
        counter.awaitProgress();

        assertThat(counter.gapless()).isGreaterThan(5);
        node.remove("one");
        Wait.until("end of stdout", counter.streams()::ended);
    }
}
