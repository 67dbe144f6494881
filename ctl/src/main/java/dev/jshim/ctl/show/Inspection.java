package dev.jshim.ctl.show;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.Globals;
import dev.jshim.ctl.output.Fields;
import dev.jshim.ctl.output.KeeperFields;
import dev.jshim.ctl.output.TaskFields;
import dev.jshim.node.Answer;
import dev.jshim.node.bundle.Bundle;
import dev.jshim.node.bundle.OciConfig;
import dev.jshim.node.daemon.ContainerRecord;
import dev.jshim.node.daemon.ContainerdClient;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.process.ProcessFacts;
import dev.jshim.node.shim.OciRuntime;
import dev.jshim.node.shim.Shims;
import dev.jshim.node.socket.SocketFacts;
import dev.jshim.node.survey.NodeTask;
import dev.jshim.task.ShimSocket;
import dev.jshim.task.client.ShimTask;
import java.nio.file.Files;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** All that is known of a task, as {@link Fields}. */
final class Inspection {
    private final Globals globals;
    private final ProcFs proc;

    Inspection(Cli cli) {
        this.globals = cli.globals();
        this.proc = cli.proc();
    }

    Fields of(NodeTask task) {
        var bridge = task.bridge();
        var bundle = task.bundle();
        var init = task.init();
        var views = new Views(task, OciRuntime.of(bundle, task.shim()).state(task.task()), proc);
        return new Fields()
                .with("task", TaskFields.summary(task))
                .with("differences", views.differences())
                .with("bundle", FileList.of(bundle))
                .with("bridgeBundle", bridge == null ? null : FileList.of(bridge))
                .with("config", config(bundle.config()))
                .with("stateByShim", StateFields.of(task.state()))
                .with("stateByBridge", task.bridgeState() == null ? null : StateFields.of(task.bridgeState()))
                .with("stateByRuntime", views.runtime())
                .with("init", ProcessFields.of(init, proc))
                .with("shim", ProcessFields.of(task.shim(), proc))
                .with("keeper", KeeperFields.of(task.keeper()))
                .with("jvm", ProcessFields.of(jvm(task.shim()), proc))
                .with("socket", socket(bundle.socket()))
                .with("bridgeSocket", bridge == null ? null : socket(bridge.socket()))
                .with("stdio", StreamFields.of(task.state().orNull(), proc))
                .with("execs", execs(task))
                .with("cgroups", init == null ? List.of() : proc.cgroups(init.pid()))
                .with("namespaces", init == null ? List.of() : proc.namespaces(init.pid()))
                .with("mounts", mounts(bundle))
                .with("record", record(task));
    }

    /** Null if the shim has none beside itself. */
    private @Nullable ProcessFacts jvm(@Nullable ProcessFacts shim) {
        var worker = shim == null ? null : proc.worker(shim);
        return worker == null || worker.equals(shim) ? null : worker;
    }

    /** The host's mounts in the bundle; the container's own are its own business. */
    private List<String> mounts(Bundle bundle) {
        var below = bundle.path() + "/";
        return proc.mountPoints().stream()
                .filter(path -> path.startsWith(below))
                .toList();
    }

    private List<Fields> execs(NodeTask task) {
        var pids = task.state().orNull() == null
                ? null
                : Shims.ask(task.bundle(), globals.timeout(), ShimTask::pids).orNull();
        if (pids == null) {
            return List.of();
        }
        return pids.stream()
                .filter(pid -> !pid.execId().isEmpty())
                .map(pid -> new Fields().with("pid", pid.pid()).with("execId", pid.execId()))
                .toList();
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

    private @Nullable Fields socket(@Nullable ShimSocket socket) {
        if (socket == null) {
            return null;
        }
        var facts = SocketFacts.of(socket, proc.unixSockets());
        return new Fields()
                .with("address", socket.address())
                .with("kind", socket.kind())
                .with("exists", facts.exists())
                .with("mode", TaskFields.mode(facts.mode()))
                .with("owner", facts.owner())
                .with("listening", facts.listening())
                .with("peers", facts.peers())
                .with("exposure", TaskFields.known(facts.exposure()));
    }

    /** Netty is loaded only if there is a socket to ask. */
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
