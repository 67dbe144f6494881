package dev.jshim.it;

import dev.jshim.proto.v2.task2.CreateTaskRequest;
import dev.jshim.proto.v2.task2.ShutdownRequest;
import dev.jshim.proto.v2.task2.TaskGrpc;
import dev.jshim.task.Stdio;
import dev.jshim.task.client.ShimTask;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;

/** V2Task, over the Go shim. */
@SuppressWarnings("NullAway.Init") // Set before all tests.
class V2TaskContractTest extends AbstractTaskContractTest {
    private RawShim shim;

    @Override
    Release release() {
        return Release.V2;
    }

    Path program() {
        return RawShim.reference(Release.V2);
    }

    /** The API in that version which the shim of this class is asked in. */
    String service() {
        return "containerd.task.v3.Task";
    }

    @Override
    void begin() {
        // What it is started for is never created: a shim may have that container, and other ones.
        var first = RawBundle.make(node.dir().resolve("b"), namespace(), "first", false, "/bin/true");
        shim = RawShim.start(node, program(), "", service(), first);
    }

    @Override
    void end() {
        try {
            var _ = shim.call(TaskGrpc.getShutdownMethod(), ShutdownRequest.getDefaultInstance(), PATIENCE);
        } catch (StatusRuntimeException e) {
            // containerd's own may exit before it has answered (task/service.go Shutdown, v2.1.9); ours may not.
            if (e.getStatus().getCode() != Status.Code.UNAVAILABLE || !program().equals(RawShim.reference(release()))) {
                throw e;
            }
        }
    }

    @Override
    ShimTask create(RawBundle bundle, Stdio stdio) {
        var request = CreateTaskRequest.newBuilder()
                .setId(bundle.id())
                .setBundle(bundle.folder().toString())
                .setTerminal(stdio.terminal())
                .setStdin(stdio.stdin())
                .setStdout(stdio.stdout())
                .setStderr(stdio.stderr())
                .build();
        var _ = shim.call(TaskGrpc.getCreateMethod(), request, PATIENCE);
        return shim.task(bundle, PATIENCE);
    }
}
