package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Which containerd runs on a root is no guess, whatever it is called, wherever it listens and whatever anybody says.
 */
@ParameterizedClass(name = "from containerd {0}")
@MethodSource("oneOldRelease")
class MigrationGuardTest extends MigrationScenario {

    MigrationGuardTest(Release old) {
        super(old);
    }

    /** Its socket is in no place that could be guessed, and its name is that of NixOS. */
    @Test
    void theDaemonIsFoundByItsMetadata() throws IOException {
        node.stop();
        node.runFromCopy(".containerd-wrapped");
        node.start();
        ProcessFacts one = legacy("one");
        assertThat(version(told("check", "-o", "json"))).startsWith("1.");
        told("migrate", "apply", "--yes").ok();
        assertThat(ProcessFacts.withCommand("bridge", node.state().toString(), node.socket() + ".ttrpc"))
                .as("the bridge sends its events to where the daemon listens")
                .isNotEmpty();

        node.switchTo(Release.V2);
        Path four = four(node.dir().resolve("nobody.sock"));
        for (Outcome refused : List.of(
                told("--address", node.dir() + "/nobody.sock", "migrate", "apply", "--yes"),
                told("--config", four.toString(), "migrate", "rollback", "--yes"))) {
            assertThat(refused.expect(1).err())
                    .contains("containerd ")
                    .contains(" answers on " + node.socket() + ", and it would");
            assertReadable(refused);
        }
        Signal.STOP.to(node.pid());
        try {
            Outcome refused = told("--timeout", "300ms", "migrate", "rollback", "--yes");
            assertThat(refused.expect(1).err())
                    .contains("process " + node.pid() + " (.containerd-wrapped) has the metadata in " + node.root());
            assertReadable(refused);
        } finally {
            Signal.CONT.to(node.pid());
        }

        node.stop();
        told("--config", four.toString(), "migrate", "apply", "--yes").ok();
        told("migrate", "rollback", "--yes").ok();
        node.switchTo(old);
        assertThat(node.init("one")).isEqualTo(one);
        node.remove("one");
    }

    /** A machine with Docker's containerd and the system's, say: neither is taken for the other. */
    @Test
    @LongRun
    void aDaemonWithAnotherRoot() throws IOException {
        ProcessFacts one = legacy("one");
        node.stop();
        try (PrivateContainerd other = PrivateContainerd.started(Release.V2)) {
            Outcome refused = told("--address", other.socket().toString(), "migrate", "apply", "--yes");
            assertThat(refused.expect(1).err())
                    .contains("listens on " + other.socket() + ", and its root is " + other.root())
                    .contains("nothing was changed");
            assertReadable(refused);
            Outcome mixed = jshimctl(other.root(), "migrate", "plan", "-o", "json");
            assertThat(row(mixed.expect(3), "one").get("reason").getAsString())
                    .contains("its shim works in " + node.legacyWork("one"));
            told("migrate", "apply", "--yes").ok();
            told("--address", other.socket().toString(), "migrate", "rollback", "--yes")
                    .ok();
            other.finish();
        }
        node.start();
        assertThat(node.init("one")).isEqualTo(one);
        node.remove("one");
    }

    /** Of a form that no containerd here reads. */
    private Path four(Path socket) throws IOException {
        return Files.writeString(
                node.dir().resolve("four.toml"), """
                version = 4
                root = '%s'
                state = '%s'
                [grpc]
                  address = '/run/of/version/three.sock'
                [plugins.'io.containerd.server.v1.grpc']
                  address = '%s'
                [plugins.'io.containerd.server.v1.ttrpc']
                  address = '%s.ttrpc'
                """.formatted(node.root(), node.state(), socket, socket));
    }

    /** Runs jshimctl with the directories, and without the socket. */
    private Outcome told(String... args) {
        return jshimctl(node.root(), args);
    }

    private Outcome jshimctl(Path root, String... args) {
        List<String> command = new ArrayList<>(List.of(
                Product.bin().resolve("jshimctl").toString(),
                "--root",
                root.toString(),
                "--state",
                node.state().toString()));
        command.addAll(List.of(args));
        return Run.of(command).run();
    }

    private static String version(Outcome check) {
        return JsonParser.parseString(check.out())
                .getAsJsonObject()
                .getAsJsonObject("facts")
                .get("containerd")
                .getAsString();
    }
}
