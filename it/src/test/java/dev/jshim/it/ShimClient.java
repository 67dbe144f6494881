package dev.jshim.it;

import dev.jshim.proto.v2.task2.TaskGrpc;
import dev.jshim.ttrpc.TtrpcChannel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Speaks to a container's shim beside its containerd, for what ctr has no words for. */
final class ShimClient implements AutoCloseable {
    private static final Duration CONNECT = Duration.ofSeconds(5);
    private static final long CALL_SECONDS = 30;

    private final TtrpcChannel channel;

    private ShimClient(TtrpcChannel channel) {
        this.channel = channel;
    }

    static ShimClient of(PrivateContainerd node, String id) {
        return of(node.bundle(id));
    }

    /** Connects to the socket that the bundle names. */
    static ShimClient of(Path bundle) {
        try {
            String address = Files.readString(bundle.resolve("address"));
            return new ShimClient(
                    TtrpcChannel.connect(Path.of(address.strip().substring("unix://".length())), CONNECT));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A stub whose next call ends in time. */
    TaskGrpc.TaskBlockingStub task() {
        return TaskGrpc.newBlockingStub(channel).withDeadlineAfter(CALL_SECONDS, TimeUnit.SECONDS);
    }

    /** The same with minutes of time, for many at once. */
    TaskGrpc.TaskBlockingStub patient() {
        return TaskGrpc.newBlockingStub(channel).withDeadlineAfter(10, TimeUnit.MINUTES);
    }

    @Override
    public void close() {
        channel.close();
    }
}
