package dev.jshim.shim.task;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Empty;
import com.google.protobuf.Message;
import dev.jshim.task.ExecRequest;
import dev.jshim.task.Exit;
import dev.jshim.task.ListedPid;
import dev.jshim.task.ProcessState;
import dev.jshim.task.ProcessStatus;
import dev.jshim.task.ShimException;
import dev.jshim.task.Stdio;
import dev.jshim.task.Task;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/** A task that notes what is asked of it, and whose processes end when the test says so. */
final class ScriptedTask implements Task {
    static final int PID = 4711;

    private final String id;
    private final Path bundle;
    private final List<String> calls = new ArrayList<>();
    private final Map<String, CompletableFuture<Exit>> exits = new ConcurrentHashMap<>();

    /** Thrown by the next call, if any. */
    volatile @Nullable RuntimeException failure;

    ScriptedTask(String id, Path bundle) {
        this.id = id;
        this.bundle = bundle;
        exits.put("", new CompletableFuture<>());
    }

    static Exit exit(int status) {
        return new Exit(PID, status, Instant.ofEpochSecond(1000, 5));
    }

    void end(String execId, int status) {
        future(execId).complete(exit(status));
    }

    void fail(String execId) {
        future(execId).completeExceptionally(new IllegalStateException("no exit"));
    }

    synchronized List<String> calls() {
        return List.copyOf(calls);
    }

    private CompletableFuture<Exit> future(String execId) {
        var future = exits.get(execId);
        if (future == null) {
            throw ShimException.notFound("process does not exist " + execId);
        }
        return future;
    }

    private synchronized void note(String call) {
        calls.add(call);
        var thrown = failure;
        failure = null;
        if (thrown != null) {
            throw thrown;
        }
    }

    @Override
    public String id() {
        return id;
    }

    @Override
    public Path bundle() {
        return bundle;
    }

    @Override
    public int pid() {
        return PID;
    }

    @Override
    public ProcessState state(String execId) {
        note("state " + execId);
        var exit = future(execId).getNow(null);
        var status = exit == null ? ProcessStatus.RUNNING : ProcessStatus.STOPPED;
        return new ProcessState(
                execId.isEmpty() ? id : execId, bundle, PID, status, new Stdio("i", "o", "e", false), exit);
    }

    @Override
    public void start(String execId, IntConsumer started) {
        note("start " + execId);
        started.accept(PID);
    }

    @Override
    public Exit delete(String execId) {
        note("delete " + execId);
        return exit(9);
    }

    @Override
    public List<ListedPid> pids() {
        note("pids");
        return List.of(new ListedPid(PID, ""), new ListedPid(PID + 1, "e"));
    }

    @Override
    public void pause() {
        note("pause");
    }

    @Override
    public void resume() {
        note("resume");
    }

    @Override
    public void checkpoint(String path, Any options) {
        note("checkpoint " + path + " " + options.getTypeUrl());
    }

    @Override
    public void kill(String execId, int signal, boolean all) {
        note("kill " + execId + " " + signal + " " + all);
    }

    @Override
    public void exec(ExecRequest request) {
        note("exec " + request.execId() + " " + request.stdio() + " "
                + request.spec().getValue().toStringUtf8());
        exits.put(request.execId(), new CompletableFuture<>());
    }

    @Override
    public void resize(String execId, int width, int height) {
        note("resize " + execId + " " + width + "x" + height);
    }

    @Override
    public void closeStdin(String execId) {
        note("closeStdin " + execId);
    }

    @Override
    public void update(ByteString resources, Map<String, String> annotations) {
        note("update " + resources.toStringUtf8() + " " + annotations);
    }

    @Override
    public CompletableFuture<Exit> exited(String execId) {
        return future(execId).copy();
    }

    @Override
    public Message stats() {
        note("stats");
        return Empty.getDefaultInstance();
    }
}
