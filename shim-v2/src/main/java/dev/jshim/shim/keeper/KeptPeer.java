package dev.jshim.shim.keeper;

import dev.jshim.linux.UnixSocket;
import dev.jshim.ttrpc.KeptChannel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;

/**
 * The socket of a client that outlives this process, as ttrpc serves it. One thread reads, one writes.
 *
 * @param ended run when it has been closed here, for who holds the socket as well
 */
public record KeptPeer(UnixSocket socket, Runnable ended) implements KeptChannel {
    @Override
    public int peek(ByteBuffer to, Duration patience) throws IOException {
        return socket.peek(to, patience);
    }

    @Override
    public boolean beginsWith(byte[] bytes) {
        return Arrays.equals(socket.peekNow(bytes.length), bytes);
    }

    @Override
    public void discard(int count) throws IOException {
        var taken = ByteBuffer.allocate(count);
        while (taken.hasRemaining() && socket.read(taken) >= 0) {
            // The rest.
        }
    }

    @Override
    public int read(ByteBuffer to) throws IOException {
        return socket.read(to);
    }

    @Override
    public int write(ByteBuffer from) throws IOException {
        return socket.write(from);
    }

    @Override
    public int writeNow(ByteBuffer from) throws IOException {
        return socket.writeNow(from);
    }

    @Override
    public void stopReading() {
        socket.stopReading();
    }

    @Override
    public void shutdown() {
        socket.shutdown();
    }

    @Override
    public boolean isOpen() {
        return socket.isOpen();
    }

    @Override
    public void close() {
        socket.close();
        ended.run();
    }
}
