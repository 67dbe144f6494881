package dev.jshim.ctl.upgrade;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BridgeBinaryTest {
    private static final String BINARY = "bin/containerd-shim-v1-linux";

    @TempDir
    Path folder;

    private Path tree(String name) throws IOException {
        var binary = folder.toRealPath().resolve(name).resolve(BINARY);
        Files.createDirectories(binary.getParent());
        Files.createFile(binary);
        assertThat(binary.toFile().setExecutable(true)).isTrue();
        return folder.toRealPath().resolve(name);
    }

    @Test
    void aTreeOfItsOwnIsNamedAsItIs() throws IOException {
        var tree = tree("jshim");
        Files.createDirectory(tree.resolveSibling("current"));
        var link = Files.createSymbolicLink(folder.resolve("link"), tree);

        assertThat(BridgeBinary.in(link)).isEqualTo(tree.resolve(BINARY));
    }

    @Test
    void oneThatIsReplacedByTheLinkToTheNewest() throws IOException {
        var tree = tree("tree-1");
        var newest = Files.createSymbolicLink(tree.resolveSibling("current"), Path.of("tree-1"));

        assertThat(BridgeBinary.in(newest)).isEqualTo(newest.resolve(BINARY));
        assertThat(BridgeBinary.in(tree("tree-2"))).isEqualTo(newest.resolve(BINARY));
    }

    @Test
    void aLinkToNoTreeIsNobodys() throws IOException {
        var tree = tree("jshim");
        Files.createSymbolicLink(tree.resolveSibling("current"), Path.of("elsewhere"));

        assertThat(BridgeBinary.in(tree)).isEqualTo(tree.resolve(BINARY));
    }
}
