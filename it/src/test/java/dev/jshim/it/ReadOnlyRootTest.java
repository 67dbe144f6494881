package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A node whose root file system is read-only, the installed tree, /tmp and /root with it. */
class ReadOnlyRootTest {
    /**
     * Makes all read-only but for the daemon's folder and /run, in a mount namespace of its own; the tree, which lies
     * in the daemon's folder, again. It ends if anything else of the kind can be written all the same.
     */
    private static final String READ_ONLY = """
            set -e
            for folder in /run "$0"; do mount --bind "$folder" "$folder"; done
            mount --bind "$0/tree" "$0/tree"
            mount -o remount,bind,ro "$0/tree"
            mount -o remount,bind,ro /
            for folder in / /tmp /var/tmp /root /etc "$0/tree" "$0/tree/lib"; do
                if touch "$folder/$$" 2>/dev/null; then echo "$folder can be written" >&2; exit 1; fi
            done
            exec env -u HOME -u TMPDIR "$@"
            """;

    private static final Duration QUIET = Duration.ofSeconds(20);

    private @Nullable PrivateContainerd made;

    @AfterEach
    void end() {
        if (made != null) {
            made.close();
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"V1_6", "V2"})
    void isEnoughToRun(Release release) throws Exception {
        PrivateContainerd node = PrivateContainerd.create(release);
        made = node;
        DistTree tree = DistTree.built().copyTo(node.dir().resolve("tree"));
        String runtime = tree.bin("containerd-shim-v2-oci").toString();
        node.wrap(List.of(
                "unshare",
                "-m",
                "--propagation",
                "private",
                "sh",
                "-c",
                READ_ONLY,
                node.dir().toString()));
        node.start();

        ProcessFacts init = node.runDetached(runtime, "one", "/bin/sleep", "1000");
        assertThat(mounts(init.parent())).anyMatch(line -> line.contains(" / ") && line.contains(" ro,"));
        assertThat(node.echo("one", "e", "from within")).isEqualTo("from within");
        List<Turn> talk = List.of(Turn.first("echo typed $((40 + 2))"), Turn.then("typed 42", "exit 4"));
        List<String> args = new ArrayList<>(List.of("task", "exec", "-t", "--fifo-dir", node.fifos()));
        args.addAll(List.of("--exec-id", "t", "one", "/bin/sh"));
        assertThat(node.ctrOnTerminal(talk, args.toArray(String[]::new))
                        .expect(4)
                        .out())
                .contains("typed 42");
        node.ctr("task", "metrics", "one").ok();
        node.ctr("task", "pause", "one").ok();
        node.ctr("task", "resume", "one").ok();
        node.remove("one");
        assertThat(node.run(runtime, "two", "/bin/sh", "-c", "echo out; exit 3").code())
                .isEqualTo(3);
        node.finish(QUIET);
    }

    private static List<String> mounts(long pid) throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/" + pid + "/mounts"))) {
            return lines.toList();
        }
    }
}
