package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;

/** Bytes of which none may be missing, doubled or changed on their way. */
final class Noise {
    private static final int MEGABYTE = 1 << 20;

    private Noise() {}

    /** That many megabytes, always the same. */
    static byte[] megabytes(int count) {
        byte[] bytes = new byte[count * MEGABYTE];
        new Random(42).nextBytes(bytes);
        return bytes;
    }

    /** Lets a container write fifty megabytes and end, to a test that reads its FIFO itself. */
    static void throughAContainer(PrivateContainerd node, String runtime) throws IOException {
        byte[] sent = megabytes(50);
        String script = "until [ -e /go ]; do sleep 0.1; done; exec cat /noise";
        Streams streams = Streams.start(node, runtime, "one", "/bin/sh", "-c", script);
        Path root = Path.of("/proc/" + node.init("one").pid() + "/root");
        Files.write(root.resolve("noise"), sent);

        Files.createFile(root.resolve("go"));

        Wait.until("the end of its output", streams::ended);
        assertSame(streams.bytes(), sent);
        node.remove("one");
    }

    /** Says where they begin to differ, and not what megabytes there are. */
    static void assertSame(byte[] seen, byte[] sent) {
        assertThat(Arrays.mismatch(seen, sent))
                .as("first wrong byte, of %d of %d", seen.length, sent.length)
                .isEqualTo(-1);
    }
}
