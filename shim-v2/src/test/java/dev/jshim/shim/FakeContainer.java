package dev.jshim.shim;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import dev.jshim.proto.v2.task2.CreateTaskRequest;
import dev.jshim.proto.v2.task2.DeleteRequest;
import dev.jshim.proto.v2.task2.DeleteResponse;
import dev.jshim.proto.v2.task2.ExecProcessRequest;
import dev.jshim.proto.v2.task2.KillRequest;
import dev.jshim.proto.v2.task2.PidsRequest;
import dev.jshim.proto.v2.task2.PidsResponse;
import dev.jshim.proto.v2.task2.StartRequest;
import dev.jshim.proto.v2.task2.StateRequest;
import dev.jshim.proto.v2.task2.StateResponse;
import dev.jshim.proto.v2.task2.WaitRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;

/** A container that a shim is to run with a {@link FakeRuntime}: its bundle, and the calls for it in short. */
public record FakeContainer(ShimProcess shim, FakeRuntime runtime, String id, Path bundle) {
    /** Writes a bundle; init is a shell script, in a pid namespace of its own as far as the shim is told. */
    public static FakeContainer of(ShimProcess shim, FakeRuntime runtime, Path bundles, String id, String init)
            throws Exception {
        var bundle = bundle(bundles, id, "{\"linux\":{\"namespaces\":[{\"type\":\"pid\"}]}}");
        Files.writeString(bundle.resolve("init.sh"), init + "\n");
        return new FakeContainer(shim, runtime, id, bundle);
    }

    public static Path bundle(Path bundles, String id, String config) throws Exception {
        var bundle = Files.createDirectories(bundles.resolve(id));
        Files.writeString(bundle.resolve("config.json"), config);
        return bundle;
    }

    public Path fifo(String name) throws Exception {
        var path = bundle.resolve(name);
        FileCalls.mkfifo(path, 0600);
        return path;
    }

    /** A FIFO whose other end a client has opened, without reading from it. */
    public Path readFifo(String name) throws Exception {
        var path = fifo(name);
        var _ = FileCalls.open(path, OpenFlags.O_RDONLY | OpenFlags.O_NONBLOCK, 0); // open until the tests end
        return path;
    }

    public CreateTaskRequest.Builder request() {
        return CreateTaskRequest.newBuilder()
                .setId(id)
                .setBundle(bundle.toString())
                .setOptions(runtime.options());
    }

    public int create() throws Exception {
        return shim.task().create(request().build()).getPid();
    }

    public int start() throws Exception {
        return start("");
    }

    public int start(String execId) throws Exception {
        return shim.task()
                .start(StartRequest.newBuilder().setId(id).setExecId(execId).build())
                .getPid();
    }

    /** The script goes as base64, which needs no escapes in JSON and is read with the means of a shell. */
    public ExecProcessRequest.Builder execRequest(String execId, String script) {
        var encoded = Base64.getEncoder().encodeToString(script.getBytes(StandardCharsets.UTF_8));
        return ExecProcessRequest.newBuilder()
                .setId(id)
                .setExecId(execId)
                .setSpec(Any.newBuilder().setValue(ByteString.copyFromUtf8("{\"script\":\"" + encoded + "\"}")));
    }

    public void exec(String execId, String script) throws Exception {
        var _ = shim.task().exec(execRequest(execId, script).build());
    }

    public StateResponse state() throws Exception {
        return state("");
    }

    public StateResponse state(String execId) throws Exception {
        return shim.task()
                .state(StateRequest.newBuilder().setId(id).setExecId(execId).build());
    }

    public PidsResponse pids() throws Exception {
        return shim.task().pids(PidsRequest.newBuilder().setId(id).build());
    }

    public void kill(int signal) throws Exception {
        kill("", signal);
    }

    public void kill(String execId, int signal) throws Exception {
        var _ = shim.task()
                .kill(KillRequest.newBuilder()
                        .setId(id)
                        .setExecId(execId)
                        .setSignal(signal)
                        .build());
    }

    public int await(String execId) throws Exception {
        return shim.task()
                .wait(WaitRequest.newBuilder().setId(id).setExecId(execId).build())
                .getExitStatus();
    }

    public DeleteResponse delete() throws Exception {
        return delete("");
    }

    public DeleteResponse delete(String execId) throws Exception {
        return shim.task()
                .delete(DeleteRequest.newBuilder().setId(id).setExecId(execId).build());
    }
}
