package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
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

    /** runc gives a container's streams to the container's user. */
    @Test
    void aFifoStaysRootsWhoeverTheContainerIs() throws Exception {
        List<List<String>> users = new ArrayList<>(List.of(List.of()));
        if (setup.release() != Release.V1_6) { // Its ctr cannot name one.
            users.add(List.of("--user", "7:8"));
        }
        for (List<String> user : users) {
            List<String> flags = Stream.concat(Stream.of("-d"), user.stream()).toList();
            node.ctr(node.runArgs(runtime, flags, "one", "/bin/sleep", "1000").toArray(String[]::new))
                    .ok();

            try (Stream<Path> files = Files.walk(node.dir().resolve("fifo"))) {
                List<Path> fifos = files.filter(each -> each.toString().endsWith("-stdout"))
                        .toList();
                assertThat(fifos).isNotEmpty();
                for (Path fifo : fifos) {
                    assertThat(Files.readAttributes(fifo, "unix:uid,mode"))
                            .as(user + " " + fifo)
                            .containsEntry("uid", 0)
                            .containsEntry("mode", 0010700);
                }
            }
            node.remove("one");
        }
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
