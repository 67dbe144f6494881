package dev.jshim.ctl;

import dev.jshim.node.Answer;
import dev.jshim.node.ContainerRecord;
import dev.jshim.node.ContainerdClient;
import dev.jshim.node.NodeTask;
import dev.jshim.node.OciConfig;
import dev.jshim.node.ProcFs;
import dev.jshim.node.ProcessFacts;
import dev.jshim.node.ShimSocket;
import dev.jshim.node.TaskState;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** All that is known of a task, as {@link Fields}. */
final class Inspection {
    /** USER_HZ, the same on x86-64 and aarch64 (times(2)). */
    private static final long TICKS_PER_SECOND = 100;

    private final Globals globals;
    private final ProcFs proc = ProcFs.system();

    Inspection(Globals globals) {
        this.globals = globals;
    }

    Fields of(NodeTask task) {
        var bridge = task.bridge();
        return new Fields()
                .with("task", TaskFields.summary(task))
                .with("bundle", FileList.of(task.bundle()))
                .with("bridgeBundle", bridge == null ? null : FileList.of(bridge))
                .with("config", config(task.bundle().config()))
                .with("stateByShim", state(task.state()))
                .with("stateByBridge", task.bridgeState() == null ? null : state(task.bridgeState()))
                .with("init", process(task.init()))
                .with("shim", process(task.shim()))
                .with("socket", socket(task.bundle().socket()))
                .with("bridgeSocket", bridge == null ? null : socket(bridge.socket()))
                .with("stdio", stdio(task.state().orNull()))
                .with("cgroups", proc.cgroups(task.pid()))
                .with("record", record(task));
    }

    private static Fields config(OciConfig config) {
        return switch (config) {
            case OciConfig.Spec spec ->
                new Fields()
                        .with("args", String.join(" ", spec.args()))
                        .with("cwd", TaskFields.known(spec.cwd()))
                        .with("hostname", TaskFields.known(spec.hostname()))
                        .with("terminal", spec.terminal())
                        .with("cgroupsPath", TaskFields.known(spec.cgroupsPath()))
                        .with("ociVersion", TaskFields.known(spec.ociVersion()))
                        .with("namespaces", spec.namespaces());
            case OciConfig.Missing missing -> new Fields().with("error", "config.json is missing");
            case OciConfig.Broken broken -> new Fields().with("error", broken.reason());
        };
    }

    private static Fields state(Answer<TaskState> answer) {
        var state = answer.orNull();
        if (state == null) {
            return new Fields().with("error", answer.describe());
        }
        var exited = state.exitedAt();
        return new Fields()
                .with("status", state.status().label())
                .with("pid", TaskFields.known(state.pid()))
                .with("terminal", state.terminal())
                .with("exitStatus", exited == null ? null : state.exitStatus())
                .with("exitedAt", exited == null ? null : exited.toString());
    }

    private @Nullable Fields process(@Nullable ProcessFacts process) {
        if (process == null) {
            return null;
        }
        var usage = proc.usage(process.pid());
        var exe = process.exe();
        return new Fields()
                .with("pid", process.pid())
                .with("ppid", process.ppid())
                .with("state", String.valueOf(process.state()))
                .with("startedAt", started(process))
                .with("startTicks", process.ref().startTicks())
                .with("binary", exe == null ? null : exe.toString())
                .with("argv", String.join(" ", process.argv()))
                .with("rssKib", usage == null ? null : usage.rssKib())
                .with("threads", usage == null ? null : usage.threads())
                .with("fds", usage == null || usage.fds() < 0 ? null : usage.fds());
    }

    private @Nullable String started(ProcessFacts process) {
        var boot = proc.bootTime();
        return boot == 0
                ? null
                : Instant.ofEpochSecond(boot + process.ref().startTicks() / TICKS_PER_SECOND)
                        .toString();
    }

    private @Nullable Fields socket(@Nullable ShimSocket socket) {
        if (socket == null) {
            return null;
        }
        return new Fields()
                .with("address", socket.address())
                .with("kind", socket.kind())
                .with("mode", socket instanceof ShimSocket.Named named ? FileList.mode(named.path()) : null)
                .with("listening", proc.unixSockets().isListening(socket));
    }

    private static @Nullable Fields stdio(@Nullable TaskState state) {
        if (state == null) {
            return null;
        }
        return new Fields()
                .with("stdin", stream(state.stdin()))
                .with("stdout", stream(state.stdout()))
                .with("stderr", stream(state.stderr()));
    }

    private static @Nullable String stream(String path) {
        if (path.startsWith("/") && !Files.exists(Path.of(path))) {
            return path + " (gone)";
        }
        return TaskFields.known(path);
    }

    /** Netty is loaded only where there is a socket to ask. */
    private Fields record(NodeTask task) {
        if (!Files.exists(globals.address())) {
            return new Fields().with("error", "no containerd answers on " + globals.address());
        }
        try (var client = new ContainerdClient(globals.address(), globals.timeout())) {
            return switch (client.container(task.task())) {
                case Answer.Answered<ContainerRecord> answered -> record(answered.value());
                case Answer.Refused<ContainerRecord> refused -> new Fields().with("error", refused.reason());
                case Answer.Mute<ContainerRecord> mute ->
                    new Fields().with("error", "containerd is " + mute.describe());
                case Answer.Absent<ContainerRecord> absent -> new Fields().with("error", absent.reason());
            };
        }
    }

    private static Fields record(ContainerRecord record) {
        var options = record.runtimeOptions();
        return new Fields()
                .with("runtime", record.runtime())
                .with("runtimeOptions", options == null ? null : options.getTypeUrl())
                .with("image", TaskFields.known(record.image()));
    }
}
