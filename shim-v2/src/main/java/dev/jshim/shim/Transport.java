package dev.jshim.shim;

import io.grpc.ServerServiceDefinition;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** Serves services on a unix socket. */
public interface Transport {
    /** Binds a new socket and serves; returns at once. Called once. */
    void serve(Path socket, List<ServerServiceDefinition> services) throws IOException;

    /** Takes no new calls, gives those that run some time to end, and closes all. */
    void shutdown(Duration grace) throws InterruptedException;
}
