package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Deaths around containers of our shim under Docker, none of which they feel. */
class DockerDeathTest {
    static Stream<Arguments> dockers() {
        Stream<Arguments> usual = Stream.of(Arguments.of(DockerRelease.V28, Release.V2, true));
        return Boolean.getBoolean("jshim.test.all")
                ? Stream.concat(
                        usual,
                        Stream.of(
                                Arguments.of(DockerRelease.V28, Release.V2, false),
                                Arguments.of(DockerRelease.V28, Release.V1_7, false),
                                Arguments.of(DockerRelease.V26, Release.V1_7, true),
                                Arguments.of(DockerRelease.V26, Release.V1_6, false),
                                Arguments.of(DockerRelease.V26, Release.V2, false)))
                : usual;
    }

    @ParameterizedTest(name = "Docker {0} on containerd {1}, its own {2}")
    @MethodSource("dockers")
    void containersGoOn(DockerRelease release, Release containerd, boolean own) throws IOException {
        Product.home();
        try (PrivateDocker docker = PrivateDocker.create(release, containerd, own)) {
            Path folder = docker.node().dir();
            Path options = Files.writeString(
                    folder.resolve("docker.toml"), "Root = \"" + folder.resolve(Leftovers.PRIVATE_RUNC) + "\"\n");
            docker.set("live-restore", "true")
                    .set(
                            "runtimes",
                            "{\"%s\": {\"runtimeType\": \"%s\", \"options\": {\"ConfigPath\": \"%s\"}}}"
                                    .formatted(PrivateDocker.JSHIM, Product.RUNTIME, options))
                    .start();
            assertThat(docker.docker("info", "--format={{json .Runtimes}}").ok().out())
                    .contains("\"" + PrivateDocker.JSHIM + "\"");
            DockerCounter counter = DockerCounter.start(docker, PrivateDocker.JSHIM, "counter");

            assertThat(folder.resolve(Leftovers.PRIVATE_RUNC)
                            .resolve(docker.node().namespace())
                            .resolve(docker.inspect("counter", "{{.Id}}")))
                    .as("its options were read")
                    .isDirectory();

            ProcessFacts jvm = docker.jvm("counter");
            Signal.KILL.to(jvm.pid());
            Wait.until("the JVM is dead", () -> !jvm.alive());
            counter.goesOn();
            assertThat(docker.jvm("counter")).isNotEqualTo(jvm);
            String daemons = docker.logText() + (own ? "" : docker.node().logText());
            assertThat(daemons).doesNotContain("shim disconnected", "cleaning up", "ttrpc: closed");

            docker.run("beside", List.of("--runtime=runc"), "/bin/sh", "-c", "while :; do sleep 0.05; done");
            DockerCounter.whileHeld(docker::kill9, counter);
            docker.startDocker();
            counter.goesOn();
            // Zeros, if Docker has lost the network of a container that has none.
            assertThat(Set.copyOf(docker.stats("counter", "beside"))).hasSize(1);
            docker.docker("rm", "-f", "beside").ok();
            DockerCounter.whileHeld(docker::stop, counter);
            assertThat(counter.init().alive()).isTrue();
            docker.startDocker();
            counter.goesOn();

            killContainerd(docker);
            // dockerd connects to the new one when it gets round to it.
            Wait.until(
                    "dockerd is connected again",
                    () -> docker.docker("exec", "counter", "/bin/true").code() == 0);
            counter.goesOn();
            assertThat(docker.inspect("counter", "{{.RestartCount}}")).isEqualTo("0");

            counter.stop();
            docker.docker("rm", "counter").ok();
            docker.finish();
        }
    }

    /** dockerd starts its own one again; another one is whoever's it is. */
    private static void killContainerd(PrivateDocker docker) throws IOException {
        if (docker.startsContainerd()) {
            ProcessFacts containerd = docker.containerd();
            Signal.KILL.to(containerd.pid());
            Wait.until("containerd has ended", () -> !containerd.alive());
            Wait.until(
                    "dockerd has started another one",
                    () -> docker.node().ctr("version").code() == 0);
        } else {
            docker.node().kill9();
            docker.node().start();
        }
    }
}
