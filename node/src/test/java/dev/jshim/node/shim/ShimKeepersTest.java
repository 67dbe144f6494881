package dev.jshim.node.shim;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.node.Answer;
import dev.jshim.node.bundle.Bundles;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.process.ProcessFacts;
import dev.jshim.node.survey.Health;
import dev.jshim.node.survey.Node;
import dev.jshim.node.survey.NodeTask;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShimKeepersTest {
    private static final ProcFs PROC = ProcFs.system();

    @TempDir
    private Path groups;

    private final ProcessFacts self =
            Objects.requireNonNull(PROC.facts((int) ProcessHandle.current().pid()));

    /** What a keeper writes that is this process; the JVM is this process too. */
    private void keeper(String group, String process, String state) throws IOException {
        var folder = Files.createDirectories(groups.resolve(group));
        Files.writeString(
                folder.resolve("shim"),
                "version 1\nnamespace ns\ncontainerd /c.sock\nttrpc \nprotocol ttrpc\nsocket /s\n");
        Files.writeString(
                folder.resolve("keeper"),
                "keeper " + self.ref() + "\nprocess " + process + "\nstate " + state
                        + "\nrestarts 3\nlast signal 9\nat 1790000000\n");
    }

    private @Nullable KeeperState ofSelf() {
        return ShimKeepers.read(groups).stateOf(self);
    }

    @Test
    void isFoundByItsProcess() throws IOException {
        Files.createDirectories(groups.resolve("of-a-shim-without"));
        Files.writeString(Files.createDirectories(groups.resolve("broken")).resolve("keeper"), "keeper x\n");
        keeper("a", self.ref().toString(), "serving");
        var state = Objects.requireNonNull(ofSelf());
        assertThat(state.restarts()).isEqualTo(3);
        assertThat(state.last()).isEqualTo("signal 9");
        assertThat(ShimKeepers.read(groups).of(PROC.facts(1))).isNull();
        assertThat(ShimKeepers.read(groups).of(null)).isNull();
        assertThat(ShimKeepers.read(groups).all())
                .containsExactly(new KeptShim(state, "ns", "/c.sock", Path.of("/s"), true));
    }

    @Test
    void noFolder() {
        assertThat(ShimKeepers.read(groups.resolve("none")).of(self)).isNull();
    }

    private NodeTask mute(String state) throws IOException {
        var bundles = new Bundles(groups.resolve("node"));
        bundles.v2("ns", "c");
        keeper("a", "0 0", state);
        var bundle = Node.read(bundles.paths).v2().getFirst();
        return new NodeTask(bundle, null, new Answer.Mute<>(Duration.ofSeconds(1)), null, null, self, ofSelf(), 0);
    }

    @Test
    void showsInHealth() throws IOException {
        assertThat(mute("serving").health()).isEqualTo(Health.MUTE);
        assertThat(mute("starting").health()).isEqualTo(Health.RESTARTING);
        assertThat(mute("starting").troubles()).contains("the shim's JVM is being started");
        assertThat(mute("waiting").health()).isEqualTo(Health.RESTARTING);
        assertThat(mute("waiting").troubles())
                .contains("the shim's JVM dies again and again, 3 times so far, last by signal 9;"
                        + " its keeper waits before it starts it again");
    }
}
