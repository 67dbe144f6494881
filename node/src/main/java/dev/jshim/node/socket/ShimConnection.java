package dev.jshim.node.socket;

import dev.jshim.task.ShimSocket;
import dev.jshim.ttrpc.TtrpcChannel;
import java.io.IOException;
import java.time.Duration;

/** Opens ttrpc connections to shims, by either kind of address. */
public final class ShimConnection {
    private ShimConnection() {}

    /**
     * Connects. The JDK has no abstract names: only such a one loads the classes of jnr-unixsocket, and holds a thread.
     *
     * @throws java.net.SocketTimeoutException when nobody accepted in time
     * @throws java.net.ConnectException when nobody listens
     * @throws IOException when the socket is not there or may not be used
     */
    public static TtrpcChannel open(ShimSocket socket, Duration timeout) throws IOException {
        if (socket instanceof ShimSocket.Abstract(var name)) {
            return TtrpcChannel.over(AbstractSockets.connect(name, timeout), "abstract" + name);
        }
        return TtrpcChannel.connect(((ShimSocket.Named) socket).path(), timeout);
    }
}
