package dev.jshim.bridge.v1;

import dev.jshim.node.socket.ShimConnection;
import dev.jshim.task.ShimSocket;
import dev.jshim.ttrpc.TtrpcChannel;
import io.grpc.Channel;
import java.io.IOException;
import java.time.Duration;

/** A ttrpc connection to a v1 shim. */
public record ShimLine(TtrpcChannel ttrpc) implements ShimLink.Line {
    /** Somebody who listens takes a connection at once; past this he has stopped. */
    private static final Duration CONNECT = Duration.ofSeconds(2);

    public static ShimLink.Line dial(ShimSocket socket) throws IOException {
        return new ShimLine(ShimConnection.open(socket, CONNECT));
    }

    @Override
    public Channel channel() {
        return ttrpc;
    }

    @Override
    public void onClosed(Runnable action) {
        var _ = ttrpc.closed().whenComplete((_, _) -> action.run());
    }

    @Override
    public void close() {
        ttrpc.close();
    }
}
