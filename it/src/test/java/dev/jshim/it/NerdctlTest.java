package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Containers as nerdctl makes them: its labels, and its own program as their logger, by a stand-in that does what that
 * one does (nerdctl v2.0, pkg/logging/logging.go). It holds a lock until all output is written, by which {@code nerdctl
 * logs -f} knows the end, and asks containerd for the task before that is created.
 */
@SuppressWarnings("NullAway.Init") // Set before each test.
class NerdctlTest {
    private static final String LOGGER = """
            #!/bin/sh
            [ "$1" = _NERDCTL_INTERNAL_LOGGING ] || exit 9
            cd "$2/containers/$CONTAINER_NAMESPACE/$CONTAINER_ID" || exit 9
            trap '' TERM
            exec 9>lock
            flock 9
            exec 5>&-
            cat <&3 >>out &
            cat <&4 >>err &
            until TASKS | grep -q "^$CONTAINER_ID .*RUNNING"; do sleep 0.1; done
            echo "$CONTAINER_ID" >seen
            wait
            echo >>ends
            """;

    private static final String COUNTS =
            "echo err >&2; i=0; until [ -e /end ]; do i=$((i+1)); echo $i; sleep 0.02; done; exit 7";

    @Test
    void underOurShim() throws IOException {
        Product.home();
        try (PrivateContainerd node = PrivateContainerd.started(Release.V2)) {
            One one = One.in(node);
            one.run(Product.RUNTIME).ok();
            one.goesOn();
            one.end();

            // As nerdctl start does it: a new task of the same record, with the same logger.
            Files.delete(one.file("out"));
            Files.delete(one.rootfs.resolve("end"));
            node.ctr("task", "start", "-d", "--log-uri", one.uri(), "one").ok();
            one.goesOn();
            one.end();
            node.ctr("container", "rm", "one").ok();
            node.finish();
        }
    }

    /** So no v1 container of nerdctl's is there to be adopted. */
    @ParameterizedTest(name = "containerd {0}")
    @EnumSource(names = {"V1_6", "V1_7"})
    void theV1RuntimeTakesNoLogger(Release release) throws IOException {
        try (PrivateContainerd node = PrivateContainerd.started(release)) {
            assertThat(One.in(node).run(Product.LEGACY).expect(1).err()).contains("namespace is required");
            node.ctr("container", "rm", "one");
            node.finish();
        }
    }

    /**
     * One container.
     *
     * @param store where nerdctl keeps its things
     */
    private record One(PrivateContainerd node, Path rootfs, Path store) {
        /** Not run yet. */
        static One in(PrivateContainerd node) throws IOException {
            One one = new One(node, node.rootfs(), node.dir().resolve("nerdctl"));
            Files.createDirectories(one.file(""));
            String tasks = String.join(" ", node.ctrCommand(List.of("task", "ls")));
            Path program = Files.writeString(one.store.resolve("nerdctl"), LOGGER.replace("TASKS", tasks));
            assertThat(program.toFile().setExecutable(true)).isTrue();
            return one;
        }

        void goesOn() {
            Wait.until("the logger has seen the task", () -> Files.exists(file("seen")));
            Wait.until("it counts", () -> read("out").lines().count() > 20);
            // A viewer waits as long as the logger has not written all.
            assertThat(lock("-n").code()).isEqualTo(1);
        }

        Outcome run(String runtime) {
            List<String> flags = new ArrayList<>(List.of("-d", "--log-uri", uri()));
            for (String label : List.of(
                    "nerdctl/namespace=" + node.namespace(),
                    "nerdctl/name=one",
                    "nerdctl/log-uri=" + uri(),
                    "nerdctl/state-dir=" + file(""),
                    "nerdctl/networks=[\"none\"]")) {
                flags.addAll(List.of("--label", label));
            }
            return node.ctr(node.runArgs(runtime, flags, rootfs, "one", "/bin/sh", "-c", COUNTS)
                    .toArray(String[]::new));
        }

        String uri() {
            return "binary://" + store.resolve("nerdctl") + "?_NERDCTL_INTERNAL_LOGGING=" + store;
        }

        private Outcome lock(String how) {
            return Run.of(List.of("flock", how, file("lock").toString(), "/bin/true"))
                    .run();
        }

        void end() throws IOException {
            Files.createFile(rootfs.resolve("end"));
            Wait.until("it has ended", () -> Tasks.of(node).isStoppedOrGone("one"));
            assertThat(node.ctr("task", "rm", "one").err()).contains("exit code 7");
            assertThat(lock("-x").code()).isZero();
            Wait.until("the logger has ended", () -> !read("ends").isEmpty());
            Lines.gapless(read("out"));
            assertThat(read("err").strip()).isEqualTo("err");
            Run.of(List.of("rm", "-f", path("ends"), path("err"), path("seen")))
                    .run()
                    .ok();
        }

        private String path(String name) {
            return file(name).toString();
        }

        Path file(String name) {
            return store.resolve("containers")
                    .resolve(node.namespace())
                    .resolve("one")
                    .resolve(name);
        }

        private String read(String name) {
            try {
                return Files.exists(file(name)) ? Files.readString(file(name)) : "";
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
