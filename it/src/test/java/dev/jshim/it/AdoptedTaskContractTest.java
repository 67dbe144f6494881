package dev.jshim.it;

import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.bridge.serve.BridgeDaemon;
import dev.jshim.bridge.serve.BridgeFlags;
import dev.jshim.linux.ProcessId;
import dev.jshim.proto.v2.bridge.AdoptRequest;
import dev.jshim.proto.v2.bridge.BridgeGrpc;
import dev.jshim.task.Stdio;
import dev.jshim.task.TaskId;
import dev.jshim.task.client.ShimTask;
import dev.jshim.task.client.V2Task;
import dev.jshim.ttrpc.TtrpcChannel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;

/** AdoptedTask: a bridge before v1 shims of containerd 1.6, and the wire before it. */
@SuppressWarnings("NullAway.Init") // Set before all tests.
class AdoptedTaskContractTest extends V1TaskContractTest {
    private BridgePaths paths;

    @Override
    boolean counts() {
        return true;
    }

    @Override
    void begin() {
        try {
            var flags = BridgeFlags.parse(
                    "-root",
                    node.root().toString(),
                    "-state",
                    node.state().toString(),
                    "-address",
                    node.socket().toString());
            paths = new BridgePaths(flags.paths());
            var _ = node.attach(BridgeDaemon.start(flags));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    ShimTask create(RawBundle bundle, Stdio stdio) {
        var shim = shim(bundle);
        int pid;
        try (var v1 = task(bundle, shim, stdio)) {
            pid = v1.pid();
        }
        var work = node.dir().resolve("b/work").resolve(namespace()).resolve(bundle.id());
        var record = new AdoptedRecord(
                namespace(),
                bundle.id(),
                bundle.folder(),
                work,
                ProcessId.of((int) shim.pid()),
                ProcessId.of(pid),
                "unix://" + socket(bundle),
                "runc",
                Path.of("/run/containerd/runc", namespace()));
        try (var control = TtrpcChannel.connect(paths.control(), PATIENCE)) {
            var adopted = BridgeGrpc.newBlockingStub(control)
                    .adopt(AdoptRequest.newBuilder().setRecord(record.text()).build());
            var channel = TtrpcChannel.connect(Path.of(adopted.getSocket()), PATIENCE);
            var id = new TaskId(namespace(), bundle.id());
            return new V2Task(id, bundle.folder(), channel, channel::close, false, PATIENCE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
