package dev.jshim.it;

import com.google.gson.Gson;
import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import dev.jshim.proto.v2.runc.CheckpointOptions;
import dev.jshim.proto.v2.runc.Options;
import dev.jshim.proto.v2.task2.CheckpointTaskRequest;
import dev.jshim.proto.v2.task2.CreateTaskRequest;
import dev.jshim.proto.v2.task2.DeleteRequest;
import dev.jshim.proto.v2.task2.ExecProcessRequest;
import dev.jshim.proto.v2.task2.KillRequest;
import dev.jshim.proto.v2.task2.PauseRequest;
import dev.jshim.proto.v2.task2.PidsRequest;
import dev.jshim.proto.v2.task2.ResumeRequest;
import dev.jshim.proto.v2.task2.StartRequest;
import dev.jshim.proto.v2.task2.StateRequest;
import dev.jshim.proto.v2.task2.StatsRequest;
import dev.jshim.proto.v2.task2.TaskGrpc;
import dev.jshim.proto.v2.task2.UpdateTaskRequest;
import dev.jshim.proto.v2.task2.WaitRequest;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * With which command lines a shim calls its OCI runtime: a program that notes them stands in the options as BinaryName
 * and passes them on to runc. Used by one thread.
 */
final class RawLines {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final int KILL = 9;

    /** Flags whose value is a file that each shim puts where it likes. */
    private static final Set<String> OWN_FILES = Set.of("--log", "--process", "--console-socket", "--pid-file");

    private final RawShim shim;
    private final Path folder;
    private final RawRecorder recorder;
    private final Map<String, String> lines = new LinkedHashMap<>();

    RawLines(RawShim shim, Path folder, RawRecorder recorder) {
        this.shim = shim;
        this.folder = folder;
        this.recorder = recorder;
    }

    /** The lines of each step, without what must differ: ids, and the places of a shim's own files. */
    Map<String, String> play(RawBundle one) {
        info();
        life(one);
        terminal(bundle("tty", true, "/bin/true"));
        sharedPids(bundle("shared", false, "/bin/sh", "-c", "until [ -e /end ]; do sleep 0.1; done")
                .inHostPids());
        RawBundle missing = bundle("missing", false, "/bin/nothing-of-that-name");
        create("create of a missing program", missing, options(recorder.runc()).build());
        restore(missing);
        systemd(missing);
        checkpoint(bundle("check", false, "/bin/sleep", "1000"));
        crash(bundle("crash", false, "/bin/sleep", "1000"));
        return Collections.unmodifiableMap(lines);
    }

    private RawBundle bundle(String id, boolean terminal, String... argv) {
        return RawBundle.make(folder, shim.namespace(), id, terminal, argv);
    }

    private void info() {
        note(
                "info",
                () -> shim.info(any(
                                "containerd.runc.v1.Options",
                                options(recorder.runc()).build().toByteString()))
                        .ok());
    }

    private void life(RawBundle one) {
        String id = one.id();
        Options all = options(recorder.runc())
                .setNoPivotRoot(true)
                .setNoNewKeyring(true)
                .setIoUid(1000)
                .setIoGid(1000)
                .setCriuImagePath(folder.resolve("criu-image").toString())
                .setCriuWorkPath(folder.resolve("criu-work").toString())
                .build();
        create("create with all options", one, all);
        step(
                "start",
                TaskGrpc.getStartMethod(),
                StartRequest.newBuilder().setId(id).build());
        step(
                "state",
                TaskGrpc.getStateMethod(),
                StateRequest.newBuilder().setId(id).build());
        step(
                "pids",
                TaskGrpc.getPidsMethod(),
                PidsRequest.newBuilder().setId(id).build());
        step(
                "stats",
                TaskGrpc.getStatsMethod(),
                StatsRequest.newBuilder().setId(id).build());
        exec("exec", id, "e", false);
        exec("exec with a terminal", id, "t", true);
        exec("exec of a missing program", id, "missing", false, "/bin/nothing-of-that-name");
        kill("kill of an exec", id, "t", KILL, false);
        kill("kill", id, "", 18, false);
        kill("kill all", id, "", 18, true);
        step(
                "pause",
                TaskGrpc.getPauseMethod(),
                PauseRequest.newBuilder().setId(id).build());
        step(
                "resume",
                TaskGrpc.getResumeMethod(),
                ResumeRequest.newBuilder().setId(id).build());
        step(
                "update",
                TaskGrpc.getUpdateMethod(),
                UpdateTaskRequest.newBuilder()
                        .setId(id)
                        .setResources(any("LinuxResources", json("{\"memory\":{\"limit\":94371840}}")))
                        .build());
        step(
                "delete while it runs",
                TaskGrpc.getDeleteMethod(),
                DeleteRequest.newBuilder().setId(id).build());
        end(id);
    }

    private void terminal(RawBundle tty) {
        create("create with a terminal", tty, options(recorder.runc()).build(), terminal(tty, "out"));
        kill("kill before start", tty.id(), "", KILL, false);
        step(
                "its end",
                TaskGrpc.getWaitMethod(),
                WaitRequest.newBuilder().setId(tty.id()).build());
        step(
                "delete before start",
                TaskGrpc.getDeleteMethod(),
                DeleteRequest.newBuilder().setId(tty.id()).build());
    }

    private void sharedPids(RawBundle shared) {
        String id = shared.id();
        create(
                "create in the host's pid namespace",
                shared,
                options(recorder.runc()).build());
        step(
                "start there",
                TaskGrpc.getStartMethod(),
                StartRequest.newBuilder().setId(id).build());
        step(
                "end there",
                TaskGrpc.getWaitMethod(),
                WaitRequest.newBuilder().setId(id).build(),
                () -> createFile(shared.folder().resolve("rootfs/end")));
        step(
                "delete there",
                TaskGrpc.getDeleteMethod(),
                DeleteRequest.newBuilder().setId(id).build());
    }

    /** What CRIU makes of them is another matter: here it is a runtime that does nothing. */
    private void restore(RawBundle bundle) {
        String id = bundle.id();
        Options all = options(recorder.nothing())
                .setNoPivotRoot(true)
                .setNoNewKeyring(true)
                .setCriuWorkPath(folder.resolve("criu-work").toString())
                .build();
        create(
                "create from a checkpoint",
                bundle,
                all,
                CreateTaskRequest.newBuilder()
                        .setCheckpoint(folder.resolve("image").toString())
                        .setParentCheckpoint(folder.resolve("parent").toString()));
        step(
                "restore",
                TaskGrpc.getStartMethod(),
                StartRequest.newBuilder().setId(id).build());
        step(
                "delete of what was not restored",
                TaskGrpc.getDeleteMethod(),
                DeleteRequest.newBuilder().setId(id).build());
    }

    /** Of a running container, whose runtime does all but that. */
    private void checkpoint(RawBundle bundle) {
        String id = bundle.id();
        create(
                "create for a checkpoint",
                bundle,
                options(recorder.withoutCheckpoint()).build());
        step(
                "start for a checkpoint",
                TaskGrpc.getStartMethod(),
                StartRequest.newBuilder().setId(id).build());
        checkpoint("checkpoint", id, CheckpointOptions.getDefaultInstance());
        CheckpointOptions.Builder all = CheckpointOptions.newBuilder()
                .setExit(true)
                .setOpenTcp(true)
                .setExternalUnixSockets(true)
                .setTerminal(true)
                .setFileLocks(true)
                .addEmptyNamespaces("network")
                .addEmptyNamespaces("ipc")
                .setWorkPath(folder.resolve("criu-work").toString());
        checkpoint("checkpoint with all options", id, all.build());
        checkpoint(
                "checkpoint with a cgroups mode", id, all.setCgroupsMode("soft").build());
        end(id);
    }

    /** {@code delete} of a container whose shim was killed. */
    private void crash(RawBundle bundle) {
        create("create for a crash", bundle, options(recorder.runc()).build());
        step(
                "start for a crash",
                TaskGrpc.getStartMethod(),
                StartRequest.newBuilder().setId(bundle.id()).build());
        Signal.KILL.to(shim.pid());
        note("delete after a crash", () -> shim.delete(bundle).ok());
    }

    private void systemd(RawBundle bundle) {
        create(
                "create with systemd's cgroups",
                bundle,
                options(recorder.nothing()).setSystemdCgroup(true).build());
    }

    private void end(String id) {
        kill("kill to the end of " + id, id, "", KILL, true);
        step(
                "end of " + id,
                TaskGrpc.getWaitMethod(),
                WaitRequest.newBuilder().setId(id).build());
        step(
                "delete of " + id,
                TaskGrpc.getDeleteMethod(),
                DeleteRequest.newBuilder().setId(id).build());
    }

    private Options.Builder options(Path binary) {
        return Options.newBuilder()
                .setBinaryName(binary.toString())
                .setRoot(folder.resolveSibling(Leftovers.PRIVATE_RUNC).toString());
    }

    /** The Go shim makes no terminal without a stdout. */
    private CreateTaskRequest.Builder terminal(RawBundle bundle, String name) {
        Path out = shim.openFifo(bundle.folder().resolve(name));
        return CreateTaskRequest.newBuilder().setTerminal(true).setStdout(out.toString());
    }

    private void create(String name, RawBundle bundle, Options options) {
        create(name, bundle, options, CreateTaskRequest.newBuilder());
    }

    private void create(String name, RawBundle bundle, Options options, CreateTaskRequest.Builder request) {
        step(
                name,
                TaskGrpc.getCreateMethod(),
                request.setId(bundle.id())
                        .setBundle(bundle.folder().toString())
                        .setOptions(any("containerd.runc.v1.Options", options.toByteString()))
                        .build());
    }

    private void exec(String name, String id, String execId, boolean terminal, String... argv) {
        String args = new Gson().toJson(argv.length == 0 ? List.of("/bin/sleep", "1000") : List.of(argv));
        String process = "{\"user\":{},\"cwd\":\"/\",\"env\":[\"PATH=/bin\"],\"args\":" + args + "}";
        step(
                name + ", added",
                TaskGrpc.getExecMethod(),
                ExecProcessRequest.newBuilder()
                        .setId(id)
                        .setExecId(execId)
                        .setTerminal(terminal)
                        .setStdout(
                                terminal
                                        ? shim.openFifo(folder.resolve(shim.namespace() + "-out"))
                                                .toString()
                                        : "")
                        .setSpec(any("Process", json(process)))
                        .build());
        step(
                name,
                TaskGrpc.getStartMethod(),
                StartRequest.newBuilder().setId(id).setExecId(execId).build());
    }

    private void kill(String name, String id, String execId, int signal, boolean all) {
        step(
                name,
                TaskGrpc.getKillMethod(),
                KillRequest.newBuilder()
                        .setId(id)
                        .setExecId(execId)
                        .setSignal(signal)
                        .setAll(all)
                        .build());
    }

    private void checkpoint(String name, String id, CheckpointOptions options) {
        step(
                name,
                TaskGrpc.getCheckpointMethod(),
                CheckpointTaskRequest.newBuilder()
                        .setId(id)
                        .setPath(folder.resolve("image").toString())
                        .setOptions(any("containerd.runc.v1.CheckpointOptions", options.toByteString()))
                        .build());
    }

    private <Q extends Message, R extends Message> void step(String name, MethodDescriptor<Q, R> method, Q request) {
        step(name, method, request, () -> {});
    }

    private <Q extends Message, R extends Message> void step(
            String name, MethodDescriptor<Q, R> method, Q request, Runnable before) {
        note(name, () -> {
            before.run();
            try {
                shim.call(method, request, LIMIT);
            } catch (StatusRuntimeException e) {
                // The line is what counts, not what came of it.
            }
        });
    }

    private void note(String name, Runnable work) {
        int before = recorder.calls().size();
        work.run();
        String added = recorder.calls().stream().skip(before).map(this::masked).collect(Collectors.joining("\n"));
        if (lines.put(name, added) != null) {
            throw new IllegalStateException("twice: " + name);
        }
    }

    private String masked(String line) {
        List<String> words = new ArrayList<>();
        String before = "";
        for (String word : line.replace(shim.namespace(), "NAMESPACE").split("\037", -1)) {
            words.add(OWN_FILES.contains(before) ? "FILE" : word.replace(folder.toString(), "FOLDER"));
            before = word;
        }
        return String.join(" ", words).strip();
    }

    private static void createFile(Path file) {
        try {
            Files.createFile(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static ByteString json(String text) {
        return ByteString.copyFromUtf8(text);
    }

    private static Any any(String type, ByteString value) {
        return Any.newBuilder().setTypeUrl(type).setValue(value).build();
    }
}
