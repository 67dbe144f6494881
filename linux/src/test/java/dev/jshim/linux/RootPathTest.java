package dev.jshim.linux;

import static dev.jshim.linux.FdTest.assertErrno;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RootPathTest {
    @TempDir
    Path temporary;

    private Path root;

    @BeforeEach
    void links() throws Exception {
        root = temporary.resolve("root");
        Files.createDirectories(root.resolve("dir/sub"));
        Files.createSymbolicLink(root.resolve("absolute"), Path.of("/dir/sub"));
        Files.createSymbolicLink(root.resolve("relative"), Path.of("dir"));
        Files.createSymbolicLink(root.resolve("dir/up"), Path.of("../../etc"));
        Files.createSymbolicLink(root.resolve("circle"), Path.of("circle"));
    }

    @ParameterizedTest
    @CsvSource({
        "'', ''",
        "/, ''",
        "dir, dir",
        "/dir/./sub/, dir/sub",
        "../../etc, etc",
        "dir/../../x, x",
        "absolute/new, dir/sub/new",
        "relative/sub, dir/sub",
        "dir/up/passwd, etc/passwd",
        "missing/below, missing/below"
    })
    void staysInside(String path, String expected) throws Exception {
        assertThat(RootPath.resolve(root, path)).isEqualTo(expected.isEmpty() ? root : root.resolve(expected));
    }

    @Test
    void endsInACircle() {
        assertErrno(Errno.ELOOP, () -> RootPath.resolve(root, "circle/a"));
    }
}
