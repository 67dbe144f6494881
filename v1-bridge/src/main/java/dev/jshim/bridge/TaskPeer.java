package dev.jshim.bridge;

import dev.jshim.linux.UnixSocket;
import dev.jshim.ttrpc.MovableChannel;
import java.io.IOException;
import java.nio.ByteBuffer;

/** A client of an adopted container's task, whose connection can be handed to another bridge. */
record TaskPeer(UnixSocket socket) implements MovableChannel {
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
    public void resumeReading() {
        socket.resumeReading();
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
    }
}
