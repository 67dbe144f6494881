package dev.jshim.bridge.end;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.bridge.FakeContainer;
import dev.jshim.bridge.V1Rig;
import dev.jshim.bridge.record.AdoptedNotes;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.bridge.record.RememberedCgroup;
import dev.jshim.linux.Processes;
import dev.jshim.node.NodePaths;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** On real cgroups of the hierarchies that are asked for processes, with an init and one beside it. */
@Timeout(60)
class OrphanTest {
    private static final Path HIERARCHIES = Path.of("/sys/fs/cgroup");
    private static final String NAME = "jshim-orphan-" + ProcessHandle.current().pid();

    @TempDir
    Path folder;

    private FakeContainer container;
    private Process beside;
    private Orphan orphan;

    @BeforeEach
    void start() throws Exception {
        container = new FakeContainer(folder.resolve("root"), folder.resolve("state"), "ns", "c");
        beside = new ProcessBuilder("sleep", "300").start();
        for (var controller : new String[] {"devices", "freezer", "memory", "pids"}) {
            var cgroup = Files.createDirectory(HIERARCHIES.resolve(controller).resolve(NAME));
            Files.writeString(cgroup.resolve("cgroup.procs"), Long.toString(container.init.pid()));
            Files.writeString(cgroup.resolve("cgroup.procs"), Long.toString(beside.pid()));
        }
        var paths = new BridgePaths(new NodePaths(folder.resolve("root"), folder.resolve("state")));
        var notes = AdoptedNotes.of(paths, container.record());
        var cgroup = new RememberedCgroup(container.record().init(), notes);
        cgroup.remember();
        orphan = new Orphan(container.record(), cgroup, () -> false);
        FakeContainer.end(container.init);
    }

    @AfterEach
    void end() throws Exception {
        container.kill();
        FakeContainer.end(beside);
        for (var controller : new String[] {"devices", "freezer", "memory", "pids"}) {
            V1Rig.eventually(() -> {
                try {
                    return Files.deleteIfExists(HIERARCHIES.resolve(controller).resolve(NAME));
                } catch (IOException e) {
                    return false; // A killed process is not quite gone yet.
                }
            });
        }
    }

    @Test
    void whatInitLeftBehindIsKilled() throws Exception {
        assertThat(orphan.signal(Processes.SIGKILL)).isTrue();
        assertThat(beside.waitFor(30, TimeUnit.SECONDS)).isTrue();
    }

    /** One made by an old daemon, with a cgroup of the same path. */
    @Test
    void whatIsOfAnotherContainerOfTheIdIsNot() throws Exception {
        Files.writeString(container.v1Bundle.resolve("init.pid"), Long.toString(beside.pid()));
        assertThat(orphan.end()).isFalse();
        assertThat(orphan.signal(Processes.SIGKILL)).isFalse();
        assertThat(beside.waitFor(200, TimeUnit.MILLISECONDS)).isFalse();
    }
}
