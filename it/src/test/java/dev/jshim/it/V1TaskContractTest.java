package dev.jshim.it;

import dev.jshim.proto.v1.shim.CreateTaskRequest;
import dev.jshim.proto.v1.shim.ShimGrpc;
import dev.jshim.task.Stdio;
import dev.jshim.task.client.ShimTask;
import dev.jshim.task.client.V1Connection;
import dev.jshim.task.client.V1Task;
import dev.jshim.ttrpc.TtrpcChannel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** V1Task, over the v1 shim of containerd 1.6: one process for each container. */
class V1TaskContractTest extends AbstractTaskContractTest {
    @Override
    Release release() {
        return Release.V1_6;
    }

    /** The daemon of 1.x reads the cgroup itself. */
    @Override
    boolean counts() {
        return false;
    }

    @Override
    ShimTask create(RawBundle bundle, Stdio stdio) {
        return task(bundle, shim(bundle), stdio);
    }

    static Path socket(RawBundle bundle) {
        return bundle.folder().resolve("shim.sock");
    }

    /** Starts a shim as the daemon does, but for the socket, which that hands to it. */
    Process shim(RawBundle bundle) {
        var command = List.of(
                release().folder().resolve("containerd-shim").toString(),
                "-namespace",
                namespace(),
                "-workdir",
                bundle.folder().resolve("work").toString(),
                "-address",
                node.socket().toString(),
                "-containerd-binary",
                release().daemon().toString(),
                "-runtime-root",
                "/run/containerd/runc",
                "-socket",
                "unix://" + socket(bundle));
        try {
            var shim = node.builder(command)
                    .directory(bundle.folder().toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(Redirect.appendTo(node.log().toFile()))
                    .start();
            node.attach(() -> end(shim, socket(bundle)));
            Wait.until("the v1 shim listens", () -> Files.exists(socket(bundle)));
            return shim;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As the daemon ends it once its container was deleted; it leaves its socket. */
    private static void end(Process shim, Path socket) throws Exception {
        shim.destroyForcibly().waitFor();
        Files.deleteIfExists(socket);
    }

    ShimTask task(RawBundle bundle, Process shim, Stdio stdio) {
        var request = CreateTaskRequest.newBuilder()
                .setId(bundle.id())
                .setBundle(bundle.folder().toString())
                .setRuntime("runc")
                .setTerminal(stdio.terminal())
                .setStdin(stdio.stdin())
                .setStdout(stdio.stdout())
                .setStderr(stdio.stderr())
                .build();
        try {
            var channel = TtrpcChannel.connect(socket(bundle), PATIENCE);
            var _ = ShimGrpc.newBlockingStub(channel).create(request);
            return new V1Task(bundle.id(), bundle.folder(), new V1Connection(channel, channel::close, PATIENCE));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
