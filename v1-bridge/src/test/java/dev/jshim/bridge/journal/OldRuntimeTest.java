package dev.jshim.bridge.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Any;
import dev.jshim.bridge.journal.JournalEntry.Step;
import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.linux.ProcessId;
import dev.jshim.node.NodePaths;
import dev.jshim.proto.v1.runc.RuncOptions;
import dev.jshim.task.ShimException;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OldRuntimeTest {
    @TempDir
    Path folder;

    private NodePaths node;
    private Path journal;

    @BeforeEach
    void setUp() throws IOException {
        node = new NodePaths(folder.resolve("root"), folder.resolve("state"));
        journal = Journal.file(node.root());
        Files.createDirectories(journal.getParent());
    }

    @Test
    void theAdoptedContainersOwnElseTheOldDaemons() throws Exception {
        try (var open = Journal.open(journal)) {
            open.add(JournalEntry.of(Step.OLD_DAEMON, "/etc/c.toml", "nvidia", "/run/nvidia"));
            open.add(JournalEntry.of(Step.ADOPT, new TaskId("ns", "c"), record("special", "/run/special/ns")));
        }
        assertThat(options("c")).isEqualTo(any("special", "/run/special"));
        assertThat(options("d")).isEqualTo(any("nvidia", "/run/nvidia"));
    }

    @Test
    void theDefaultsLeaveASayToOthers() throws Exception {
        try (var open = Journal.open(journal)) {
            open.add(JournalEntry.of(Step.OLD_DAEMON, "", "", ""));
            open.add(JournalEntry.of(Step.ADOPT, new TaskId("ns", "c"), record("runc", "/run/containerd/runc/ns")));
        }
        assertThat(options("c")).isEqualTo(Any.getDefaultInstance());
        assertThat(options("d")).isEqualTo(Any.getDefaultInstance());
    }

    @Test
    void withoutAJournalOrALinkThereIsNothingToSay() throws Exception {
        assertThat(options("c")).isEqualTo(Any.getDefaultInstance());
        assertThat(OldRuntime.options(folder)).isEqualTo(Any.getDefaultInstance());
    }

    @Test
    void aDamagedJournalIsAnError() throws Exception {
        Files.writeString(journal, "not a journal\n");
        assertThatThrownBy(() -> options("c"))
                .isInstanceOf(ShimException.class)
                .hasMessageContaining("damaged in line 1");
    }

    private Any options(String id) throws IOException {
        var bundle = node.v2Bundle(new TaskId("ns", id));
        Files.createDirectories(bundle);
        if (!Files.isSymbolicLink(bundle.resolve("work"))) {
            Files.createSymbolicLink(bundle.resolve("work"), node.v2Work(new TaskId("ns", id)));
        }
        return OldRuntime.options(bundle);
    }

    private String record(String runtime, String root) {
        var task = new TaskId("ns", "c");
        return new AdoptedRecord(
                        "ns",
                        "c",
                        node.v1Bundle(task),
                        node.v1Work(task),
                        new ProcessId(1, 2),
                        new ProcessId(3, 4),
                        "unix:///s",
                        runtime,
                        Path.of(root))
                .text();
    }

    private static Any any(String runtime, String root) {
        return Any.newBuilder()
                .setTypeUrl("containerd.linux.runc.RuncOptions")
                .setValue(RuncOptions.newBuilder()
                        .setRuntime(runtime)
                        .setRuntimeRoot(root)
                        .build()
                        .toByteString())
                .build();
    }
}
