package dev.jshim.ctl;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.proto.v1.types.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What each command prints, as a table and as JSON, against files; of processes see {@link ProcessGoldenTest}. */
@Timeout(60)
class GoldenTest {
    /** Who asks a mute shim and others; the rest need not wait for one. */
    private static final Set<String> MUTE = Set.of("ls", "ls-wide", "ls-columns", "ls-quiet", "ls-sort");

    /** Who asks no shim but a mute one, in whose namespace something is left. */
    private static final Set<String> MUTE_ALONE = Set.of("bundles", "clean", "clean-yes");

    @TempDir
    private Path directory;

    private FakeNode node = new FakeNode(Path.of("/"));

    @BeforeEach
    void setUp() throws IOException {
        node = new FakeNode(directory);
        node.task("default", "web", Status.RUNNING);
        node.task("default", "done", Status.STOPPED);
        var left = node.bundle("k8s.io", "left");
        Files.writeString(left.resolve("init.pid"), Integer.toString(Integer.MAX_VALUE));
        Files.setLastModifiedTime(left, FileTime.from(Instant.EPOCH));
    }

    @AfterEach
    void tearDown() throws IOException {
        node.close();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "ls           | ls",
                "ls-wide      | ls -o wide",
                "ls-name      | ls -o name",
                "ls-columns   | ls -o custom-columns=NAME:id,H:health,ANSWER:answer,BRIDGED:bridged,WRONG:troubles",
                "ls-quiet     | ls -o wide -q",
                "ls-filter    | ls -o table --filter health=dead --filter status=stopped --filter status=unknown",
                "ls-sort      | ls -o table --sort-by pid",
                "state        | state web",
                "wait         | wait web",
                "pause        | pause web",
                "resume       | resume web",
                "kill         | kill web -s HUP --all",
                "kill-exec    | kill web --exec shell",
                "escalate     | kill left --escalate",
                "find         | find PID",
                "sockets      | sockets -n default",
                "bundles      | bundles -n k8s.io",
                "clean        | clean -n k8s.io",
                "clean-yes    | clean -n k8s.io --yes",
                "stacks       | stacks web",
                "events       | events",
            })
    void output(String name, String args) throws Exception {
        addMute(name);
        var words = args.replace("PID", Integer.toString(FakeNode.PID)).split(" ", -1);
        if (!args.contains("-o ")) {
            golden().same(name + ".json", Result.on(node, Golden.asJson(words)));
            node.awaitHangUp();
            setUpAgain(name);
        }
        golden().same(name + ".txt", Result.on(node, words));
    }

    private void addMute(String name) throws IOException {
        if (MUTE.contains(name) || MUTE_ALONE.contains(name)) {
            node.mute("k8s.io", "db");
        }
        if (MUTE_ALONE.contains(name)) {
            node.patience("1s");
        }
    }

    private Golden golden() {
        return new Golden(directory);
    }

    /** What the first run has removed. */
    private void setUpAgain(String name) throws IOException {
        if (name.equals("clean-yes")) {
            assertThat(node.state.resolve("io.containerd.runtime.v1.linux/k8s.io/left"))
                    .doesNotExist();
            tearDown();
            Files.delete(directory.resolve("state/s0"));
            Files.delete(directory.resolve("state/s1"));
            Files.delete(directory.resolve("state/s2"));
            setUp();
            addMute(name);
        }
    }
}
