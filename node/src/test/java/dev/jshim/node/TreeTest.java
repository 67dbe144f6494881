package dev.jshim.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TreeTest {
    @TempDir
    private Path folder;

    @Test
    void hasWhatIsNoFolderAndFollowsNoLink() throws Exception {
        var deep =
                Files.createFile(Files.createDirectories(folder.resolve("a/b")).resolve("deep"));
        var flat = Files.createFile(folder.resolve("flat"));
        var link = Files.createSymbolicLink(folder.resolve("link"), folder.resolve("a"));

        assertThat(Tree.files(folder)).containsExactlyInAnyOrder(deep, flat, link);
        assertThat(Tree.readable(folder, 1)).containsExactlyInAnyOrder(flat, link);
        assertThat(Tree.files(folder.resolve("none"))).isEmpty();
    }

    @Test
    void passesOverWhatGoesAwayMeanwhileAndNothingElse() throws Exception {
        var stays =
                Files.createFile(Files.createDirectories(folder.resolve("z/z")).resolve("stays"));
        var begun = new CountDownLatch(1);
        var over = new AtomicBoolean();
        var busy = Thread.ofPlatform().start(() -> {
            for (var i = 0; !over.get(); i = (i + 1) % 20) {
                comeAndGo(folder.resolve("m" + i));
                begun.countDown();
            }
        });
        begun.await();
        for (var i = 0; i < 2000; i++) {
            assertThat(Tree.files(folder)).contains(stays);
        }
        over.set(true);
        busy.join();
    }

    private static void comeAndGo(Path of) {
        try {
            var inner = Files.createDirectories(of.resolve("inner"));
            var file = Files.createFile(inner.resolve("file"));
            Files.delete(file);
            Files.delete(inner);
            Files.delete(of);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
