package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * A daemon and an operator whose umask is 0: nothing that jshim writes is there for others to write. That it writes
 * nowhere else than in the places looked at here is WorkspaceTest's.
 */
class UmaskTest extends MigrationScenario {
    private static final List<String> LOOSE = List.of("sh", "-c", "umask 0; exec \"$0\" \"$@\"");

    /** What containerd itself leaves in a bundle. */
    private static final Set<String> CONTAINERDS =
            Set.of("config.json", "rootfs", "work", "bootstrap.json", "shim-binary-path", "sandbox");

    UmaskTest() {
        super(Release.V1_7);
    }

    @Test
    void nothingIsWritableByOthers() throws Exception {
        node.stop();
        node.wrap(LOOSE);
        node.configure("Grouping = \"node\"\n");
        node.start();
        legacy("adopted");
        node.stop();
        Product.ctl(node, LOOSE, "--timeout", "30s", "migrate", "apply", "--yes")
                .ok();
        node.switchTo(Release.V2);
        node.runDetached(Product.RUNTIME, "one", "/bin/sleep", "1000");
        node.runDetached(Product.RUNTIME, "two", "/bin/sleep", "1000");
        assertThat(node.bundle("two").resolve("jshim.err")).as("made for a JVM").doesNotExist();
        node.ctr("task", "exec", "-d", "--fifo-dir", node.fifos(), "--exec-id", "e", "one", "/bin/sleep", "1000")
                .ok();
        node.exec("adopted", "e", "/bin/true").ok();

        List<Path> written = new ArrayList<>();
        for (String id : List.of("adopted", "one", "two")) {
            Path bundle = node.bundle(id);
            assertThat(modeOf(bundle)).as("a bundle is closed").isEqualTo(0700);
            try (Stream<Path> files = Files.list(bundle)) {
                files.filter(file -> !CONTAINERDS.contains(file.getFileName().toString()))
                        .forEach(written::add);
            }
        }
        written.add(
                Path.of(Files.readString(node.bundle("one").resolve("address")).replaceFirst("^unix://", ""))
                        .getParent());
        for (String place : List.of("r/jshim", "s/jshim")) {
            written.add(node.dir().resolve(place));
        }
        try (Stream<Path> proofs = Files.list(Product.home().resolve("lib"))) {
            proofs.filter(file -> file.toString().endsWith(".proof")).forEach(written::add);
        }

        List<Path> all = written.stream().flatMap(UmaskTest::walk).toList();
        assertThat(all.stream().map(path -> path.getFileName().toString()))
                .contains("jshim.v1", "notes", "journal", "bridge.log", "bridge.sock")
                .contains("address", "shim.pid", "runtime", "runtime-root", "init.pid", "jshim.err")
                .contains("reply", "joined", "sock", "shim.proof", "ctl.proof");
        assertThat(Stream.concat(all.stream(), Stream.of(Path.of("/run/jshim"), Path.of("/run/jshim/s")))
                        .filter(path -> (modeOf(path) & 022) != 0))
                .isEmpty();
        for (String id : List.of("adopted", "one", "two")) {
            node.remove(id);
        }
    }

    private static int modeOf(Path path) {
        try {
            return Files.isSymbolicLink(path)
                    ? 0
                    : (int) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS) & 07777;
        } catch (IOException e) {
            return 0; // Another test's, gone meanwhile.
        }
    }

    private static Stream<Path> walk(Path from) {
        try (Stream<Path> paths = Files.walk(from)) {
            return paths.toList().stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
