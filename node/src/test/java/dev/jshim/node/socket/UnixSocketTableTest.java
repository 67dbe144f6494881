package dev.jshim.node.socket;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.task.ShimSocket;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnixSocketTableTest {
    @Test
    void onlyListenersCount(@TempDir Path directory) throws IOException {
        var file = directory.resolve("unix");
        Files.writeString(file, """
                Num       RefCount Protocol Flags    Type St Inode Path
                ffff8a00: 00000002 00000000 00010000 0001 01 18923 /run/a b
                ffff8a01: 00000002 00000000 00010000 0001 01 18924 @/containerd-shim/ns/id/shim.sock
                ffff8a05: 00000002 00000000 00010000 0001 01 18924 @/of/go.sock@
                ffff8a02: 00000003 00000000 00000000 0001 03 18925 @/connected
                ffff8a03: 00000003 00000000 00000000 0001 03 18926
                ffff8a04: nonsense
                """);
        var table = UnixSocketTable.read(file);
        assertThat(table.paths()).containsExactly("/run/a b");
        assertThat(table.abstractNames()).containsExactlyInAnyOrder("/containerd-shim/ns/id/shim.sock", "/of/go.sock");
        assertThat(table.isListening(new ShimSocket.Abstract("/containerd-shim/ns/id/shim.sock")))
                .isTrue();
        assertThat(table.isListening(new ShimSocket.Named(Path.of("/connected"))))
                .isFalse();
    }

    @Test
    void unreadableIsEmpty(@TempDir Path directory) {
        assertThat(UnixSocketTable.read(directory.resolve("none")).paths()).isEmpty();
    }
}
