package dev.jshim.ctl.upgrade;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.Globals;
import dev.jshim.ctl.cli.Host;
import dev.jshim.ctl.output.Fields;
import dev.jshim.ctl.output.TaskFields;
import dev.jshim.ctl.output.Text;
import dev.jshim.node.Answer;
import dev.jshim.node.NodePaths;
import dev.jshim.node.daemon.ContainerdClient;
import dev.jshim.node.daemon.ContainerdVersion;
import dev.jshim.node.daemon.DockerDaemon;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What {@code check} finds in the machine: folders, disk, kernel, service manager, runtimes. */
final class HostChecks {
    private static final Pattern VERSION = Pattern.compile("(\\d+)\\.(\\d+)");
    private static final long LEAST_FREE = 1L << 30;

    private final Cli cli;
    private final Host host;
    private final @Nullable ContainerdVersion containerd;

    HostChecks(Cli cli) {
        this.cli = cli;
        this.host = cli.machine().host();
        this.containerd = version(cli.globals());
    }

    private static @Nullable ContainerdVersion version(Globals globals) {
        if (!Files.exists(globals.address())) {
            return null;
        }
        try (var client = new ContainerdClient(globals.address(), globals.timeout())) {
            return client.version() instanceof Answer.Answered<ContainerdVersion>(var version, var took)
                    ? version
                    : null;
        }
    }

    /** What is good to know beside the findings. */
    Fields facts(Path config) {
        var dockers = dockers();
        return new Fields()
                .with("containerd", containerd == null ? null : containerd.version())
                .with("root", cli.globals().paths().root().toString())
                .with("state", cli.globals().paths().state().toString())
                .with("config", config.toString())
                .with("kernel", host.kernel())
                .with("cgroups", host.cgroups())
                .with(
                        "docker",
                        dockers.isEmpty()
                                ? null
                                : dockers.stream().map(this::describe).collect(Collectors.joining("; ")));
    }

    /** Those that use the containerd that is looked at. */
    private List<DockerDaemon> dockers() {
        return DockerDaemon.of(cli.proc(), cli.globals().paths(), cli.globals().address());
    }

    private String describe(DockerDaemon docker) {
        return describe(docker, cli.globals().timeout());
    }

    /** Who it is, and whether its containers outlive it. */
    static String describe(DockerDaemon docker, Duration timeout) {
        var on = docker.liveRestore(timeout);
        var state = on == null ? "unknown" : on ? "on" : "off";
        return "dockerd, process " + docker.pid() + ", live-restore " + state;
    }

    private void docker(List<Finding> out) {
        for (var docker : dockers()) {
            var problem = docker.problem(cli.globals().timeout());
            if (problem != null) {
                out.add(Finding.error(
                        "live-restore",
                        problem.what(),
                        "an upgrade of Docker, or of its containerd, ends every container",
                        problem.todo()));
            }
        }
    }

    List<Finding> all() {
        var out = new ArrayList<Finding>();
        folders(cli.globals().paths(), out);
        disk(cli.globals().paths().root(), out);
        disk(cli.globals().paths().state(), out);
        kernel(out);
        cgroups(out);
        killMode(out);
        docker(out);
        crun(out);
        return out;
    }

    /** The modes that containerd's operator guidelines ask for (2.1.5, docs/security/OPERATOR_GUIDELINES.md). */
    private static void folders(NodePaths paths, List<Finding> out) {
        folder(paths.root(), 0077, "0700", "CVE-2021-41103, CVE-2024-25621", out);
        folder(paths.state(), 0066, "0711", "CVE-2024-25621", out);
        for (var folder : List.of(paths.v1State(), paths.v2State(), paths.v1Work(), paths.v2Work())) {
            folder(folder, 0066, "0711", "CVE-2021-41103", out);
        }
    }

    private static void folder(Path folder, int tooMuch, String wanted, String cve, List<Finding> out) {
        var mode = mode(folder);
        if (mode != null && (mode & tooMuch) != 0) {
            out.add(Finding.warning(
                    "mode",
                    folder + " has mode " + TaskFields.mode(mode),
                    "users of the host can read it, or run programs from images in it (" + cve + ")",
                    "chmod " + wanted + " " + folder));
        }
    }

    private static @Nullable Integer mode(Path file) {
        try {
            return Files.getAttribute(file, "unix:mode", LinkOption.NOFOLLOW_LINKS) instanceof Integer mode
                    ? mode & 07777
                    : null;
        } catch (IOException | UnsupportedOperationException e) {
            return null;
        }
    }

    private void disk(Path folder, List<Finding> out) {
        var space = host.space(folder);
        if (space != null && space.free() < LEAST_FREE && space.free() < space.total() / 10) {
            out.add(Finding.warning(
                    "disk",
                    folder + " has " + (space.free() >> 20) + " MiB left",
                    "the upgrade migrates containerd's database, and each bundle needs room",
                    "free some space first"));
        }
    }

    private void kernel(List<Finding> out) {
        var version = host.kernel();
        if (isBefore(version, 4, 18)) {
            out.add(Finding.warning(
                    "kernel",
                    "the kernel is " + Text.oneLine(version),
                    "jshim needs 4.18 or later",
                    "use a newer kernel, or try it on one node first"));
        }
    }

    /** containerd's and runc's lists of deprecated features (RELEASES.md of 2.2, docs/deprecated.md of runc 1.4). */
    private void cgroups(List<Finding> out) {
        if (!host.cgroups().equals("v2")) {
            out.add(Finding.warning(
                    "cgroups",
                    "the node has cgroups " + host.cgroups(),
                    "containerd 2.2 and runc 1.4 deprecate cgroup v1, and may drop it from May 2029 on; systemd 258 has"
                            + " dropped it",
                    "nothing for this upgrade; change to v2 when the node is next installed"));
        }
    }

    private void killMode(List<Finding> out) {
        var mode = host.killMode();
        if (mode != null && (mode.equals("control-group") || mode.equals("mixed"))) {
            out.add(Finding.error(
                    "KillMode",
                    "containerd.service has KillMode=" + mode,
                    "stopping or upgrading containerd kills every shim, and with it every container",
                    "set KillMode=process in a drop-in, then run \"systemctl daemon-reload\""));
        }
    }

    /** Only what was tried: 1.8.1 refuses the spec that 2.x writes, "unknown version specified". */
    private void crun(List<Finding> out) {
        var crun = host.crun();
        if (crun != null && crun.startsWith("crun") && isBefore(crun, 1, 9)) {
            out.add(Finding.warning(
                    "crun",
                    Text.oneLine(crun) + " is installed",
                    "crun 1.8.1 refuses the OCI version that containerd 1.7 and 2.x write",
                    "if containers use it, upgrade crun first"));
        }
    }

    static boolean isBefore(String text, int major, int minor) {
        var version = VERSION.matcher(text);
        if (!version.find()) {
            return false;
        }
        var first = Integer.parseInt(version.group(1));
        return first < major || (first == major && Integer.parseInt(version.group(2)) < minor);
    }
}
