package dev.jshim.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * One run of CRI at a time on a machine: its namespace is {@code k8s.io} in every daemon, and so are the folders of
 * runc that are named after it.
 */
final class CriLock implements AutoCloseable {
    private static final Path FILE = Path.of("/run/lock/jshim-it-cri");

    private final FileChannel channel;

    private CriLock(FileChannel channel) {
        this.channel = channel;
    }

    /** Waits for it. */
    static CriLock take() {
        try {
            FileChannel channel = FileChannel.open(FILE, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            var _ = channel.lock();
            return new CriLock(channel);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
