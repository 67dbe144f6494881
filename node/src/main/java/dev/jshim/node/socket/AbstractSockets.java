package dev.jshim.node.socket;

import dev.jshim.linux.Deadline;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import jnr.constants.platform.Errno;
import jnr.unixsocket.UnixSocketAddress;
import jnr.unixsocket.UnixSocketChannel;

/** Sockets of the abstract namespace, by jnr-unixsocket. Nothing else names its classes, so that few JVMs load them. */
final class AbstractSockets {
    private static final long RETRY_MILLIS = 10;

    private AbstractSockets() {}

    /**
     * Connects to a name, given without NULs. The channel is in blocking mode, and its reads hold a platform thread.
     *
     * <p>The kernel's name of a v1 shim's socket ends with a NUL: Go before 1.21 counts it where the name was written
     * with a NUL in front and not with {@code @}, as containerd does (seen on a shim of 1.6.20, built with 1.19). What
     * other programs make has none.
     */
    static SocketChannel connect(String name, Duration timeout) throws IOException {
        try {
            return connectExactly(name, "\0" + name + "\0", timeout);
        } catch (ConnectException e) {
            return connectExactly(name, "\0" + name, timeout);
        }
    }

    private static SocketChannel connectExactly(String name, String kernelName, Duration timeout) throws IOException {
        var address = new UnixSocketAddress(kernelName);
        var deadline = Deadline.in(timeout);
        while (true) {
            var channel = UnixSocketChannel.create();
            try {
                // connect(2) of a unix socket would wait for room in the backlog; not blocking, it says EAGAIN at once
                channel.configureBlocking(false);
                if (channel.connect(address)) {
                    channel.configureBlocking(true);
                    return channel;
                }
            } catch (IOException e) {
                channel.close();
                throw translated(name, e);
            } catch (RuntimeException e) {
                channel.close();
                throw e;
            }
            channel.close();
            if (deadline.isOver()) {
                throw new SocketTimeoutException("abstract socket " + name + " accepts nobody");
            }
            pause();
        }
    }

    /** jnr gives the errno in no other way than as the text that its own table has for it. */
    private static IOException translated(String name, IOException e) {
        if (!Errno.ECONNREFUSED.toString().equals(e.getMessage())) {
            return e;
        }
        var refused = new ConnectException("nobody listens on the abstract socket " + name);
        refused.initCause(e);
        return refused;
    }

    private static void pause() throws IOException {
        try {
            Thread.sleep(RETRY_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }
}
