package dev.jshim.shim;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.util.function.ObjIntConsumer;

/**
 * A client that reads a FIFO. It opens its end before it makes its call: a thread that does so beside the call may come
 * when the process has ended already, and waits for a writer forever.
 */
public final class FifoClient {
    private FifoClient() {}

    /** Does not wait for a writer. Without one a read finds the end. */
    public static Fd open(Path fifo) throws Exception {
        return FileCalls.open(fifo, OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK, 0);
    }

    /** Reads on to the end and closes it; holds the carrier. */
    public static void read(Fd client, ObjIntConsumer<byte[]> sink) throws Exception {
        try (client) {
            client.setNonBlocking(false);
            var buffer = new byte[1 << 16];
            for (var n = client.read(buffer, 0, buffer.length); n > 0; n = client.read(buffer, 0, buffer.length)) {
                sink.accept(buffer, n);
            }
        }
    }

    /** As {@link #read}. */
    public static String text(Fd client) throws Exception {
        var all = new ByteArrayOutputStream();
        read(client, (buffer, n) -> all.write(buffer, 0, n));
        return all.toString(UTF_8);
    }
}
