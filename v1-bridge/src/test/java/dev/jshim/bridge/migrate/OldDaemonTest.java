package dev.jshim.bridge.migrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jshim.bridge.journal.JournalEntry;
import dev.jshim.bridge.journal.JournalEntry.Step;
import dev.jshim.node.NodePaths;
import dev.jshim.node.daemon.DaemonConfig;
import dev.jshim.node.process.ProcFs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which configuration file is the old daemon's; the processes are a folder that looks like /proc. */
class OldDaemonTest {
    @TempDir
    Path folder;

    private NodePaths ours;
    private Path proc;

    @BeforeEach
    void setUp() throws IOException {
        ours = new NodePaths(folder.resolve("root"), folder.resolve("state"));
        proc = Files.createDirectory(folder.resolve("proc"));
    }

    @Test
    void theRunningDaemonsOwnOfSeveral() throws Exception {
        process(10, "containerd", "-c", config("docker", "/var/lib/d", "/run/d", "docker-runc"));
        process(11, "containerd", "-c", config("ours", ours.root() + "", ours.state() + "", "our-runc"));
        assertThat(find(null).runtime()).isEqualTo("our-runc");
    }

    @Test
    void flagsSayWhoseItIs() throws Exception {
        var file = config("ours", "/r", "/s", "our-runc");
        process(11, "containerd", "-c", file, "--root", ours.root() + "/.", "--state", ours.state() + "");
        assertThat(find(null).runtime()).isEqualTo("our-runc");
    }

    @Test
    void withoutADaemonTheDefaultFileIfItIsForUs() throws Exception {
        config("default", ours.root() + "", ours.state() + "", "our-runc");
        assertThat(find(null).runtime()).isEqualTo("our-runc");
        config("default", "/r", "/s", "other-runc");
        assertThat(find(null)).isEqualTo(DaemonConfig.DEFAULTS);
        Files.writeString(folder.resolve("default"), "broken");
        assertThat(find(null)).isEqualTo(DaemonConfig.DEFAULTS);
        Files.delete(folder.resolve("default"));
        assertThat(find(null)).isEqualTo(DaemonConfig.DEFAULTS);
    }

    @Test
    void theNamedFileWinsAndMustBeThere() throws Exception {
        process(11, "containerd", "-c", config("ours", ours.root() + "", ours.state() + "", "our-runc"));
        assertThat(find(Path.of(config("named", "/r", "/s", "named-runc"))).runtime())
                .isEqualTo("named-runc");
        assertThatThrownBy(() -> find(folder.resolve("none")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("no such file");
    }

    @Test
    void aBrokenFileOfOurDaemonIsAnErrorWithTheWayOut() throws Exception {
        var file = Files.writeString(folder.resolve("broken"), "root = \"/r\"\nstate =\n");
        process(11, "containerd", "-c", file.toString(), "--state", ours.state().toString());
        assertThatThrownBy(() -> find(null))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(file + ":2: ")
                .hasMessageContaining("--config");
    }

    @Test
    void anEarlierAdoptionKnowsWhatTheNewFileDoesNotSay() {
        var before = JournalEntry.of(Step.OLD_DAEMON, "/etc/old.toml", "nvidia", "");
        List<JournalEntry> journal = List.of(before, JournalEntry.of(Step.ROLL_BACK));
        assertThat(OldDaemon.entry(DaemonConfig.DEFAULTS, journal)).isEqualTo(before);
        assertThat(OldDaemon.entry(DaemonConfig.DEFAULTS, List.of()))
                .isEqualTo(JournalEntry.of(Step.OLD_DAEMON, "", "", ""));
    }

    private DaemonConfig find(@Nullable Path file) throws IOException {
        return new OldDaemon(ours, new ProcFs(proc), folder.resolve("default")).find(file);
    }

    private String config(String name, String root, String state, String runtime) throws IOException {
        return Files.writeString(
                        folder.resolve(name),
                        "root = \"%s\"\nstate = \"%s\"\n[plugins.linux]\nruntime = \"%s\"\n"
                                .formatted(root, state, runtime))
                .toString();
    }

    private void process(int pid, String... argv) throws IOException {
        var directory = Files.createDirectory(proc.resolve(Integer.toString(pid)));
        Files.writeString(
                directory.resolve("stat"),
                pid + " (containerd) S 1 " + "0 ".repeat(17) + "77 " + "0 ".repeat(30) + "\n");
        Files.writeString(directory.resolve("cmdline"), String.join("\0", argv) + "\0");
        Files.createSymbolicLink(directory.resolve("cwd"), folder);
    }
}
