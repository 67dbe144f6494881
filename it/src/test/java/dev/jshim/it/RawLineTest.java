package dev.jshim.it;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The command lines that an OCI runtime sees from ours and from the Go shim of containerd 2, side by side. */
class RawLineTest {
    private static final List<RawDifference> LISTED = List.of(
            RawDifference.of("Pids", "pids", ".* ps --format json one", ""),
            RawDifference.of("restore", "restore", ".* -no-subreaper .*", "(?!.*no-subreaper).*"),
            RawDifference.of(
                    "checkpoint with a cgroups mode",
                    "checkpoint with a cgroups mode",
                    "(?!.*--manage-cgroups-mode).*",
                    ".* --manage-cgroups-mode soft .*"));

    private PrivateContainerd node;

    @BeforeEach
    void start() {
        node = PrivateContainerd.started(Release.V2);
    }

    @AfterEach
    void end() {
        node.close();
    }

    @Test
    void theRuntimeIsCalledAsByTheGoShim() throws Exception {
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var theirs = threads.submit(play(RawShim.reference(Release.V2), "g"));
            var ours = threads.submit(play(RawShim.ours(), "b"));
            RawDifference.check("Command lines", LISTED, List.of(), theirs.get(), ours.get());
        }
    }

    private Callable<Map<String, String>> play(Path program, String suffix) {
        Path folder = node.dir().resolve("raw");
        RawBundle one = RawBundle.make(folder, node.namespace() + suffix, "one", false, "/bin/sleep", "1000");
        RawRecorder recorder = RawRecorder.make(folder, node.namespace() + suffix);
        return () -> {
            RawShim shim = RawShim.start(node, program, suffix, "containerd.task.v3.Task", one);
            return new RawLines(shim, folder, recorder).play(one);
        };
    }
}
