package dev.jshim.bridge;

import dev.jshim.linux.UnixSocket;
import dev.jshim.ttrpc.KeptChannel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * A client of an adopted container's task. One reads, one writes.
 *
 * @param ended run when it has been closed here, for who holds the socket as well
 */
record TaskPeer(UnixSocket socket, Runnable ended) implements KeptChannel {
    @Override
    public int peek(ByteBuffer to) throws IOException {
        return socket.peek(to);
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
