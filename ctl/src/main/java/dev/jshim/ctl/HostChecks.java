package dev.jshim.ctl;

import dev.jshim.node.Answer;
import dev.jshim.node.ContainerdClient;
import dev.jshim.node.ContainerdVersion;
import dev.jshim.node.NodePaths;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What {@code check} finds in the machine: folders, disk, kernel, service manager, runtimes. */
final class HostChecks {
    private static final Pattern VERSION = Pattern.compile("(\\d+)\\.(\\d+)");
    private static final long LEAST_FREE = 1L << 30;

    private final Cli cli;
    private final @Nullable ContainerdVersion containerd;

    HostChecks(Cli cli) {
        this.cli = cli;
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
        return new Fields()
                .with("containerd", containerd == null ? null : containerd.version())
                .with("root", cli.globals().paths().root().toString())
                .with("state", cli.globals().paths().state().toString())
                .with("config", config.toString())
                .with("kernel", System.getProperty("os.version"))
                .with("cgroups", cgroups());
    }

    private static String cgroups() {
        if (Files.exists(Path.of("/sys/fs/cgroup/cgroup.controllers"))) {
            return "v2";
        }
        return Files.isDirectory(Path.of("/sys/fs/cgroup/unified")) ? "v1, hybrid" : "v1";
    }

    List<Finding> all() {
        var out = new ArrayList<Finding>();
        folders(cli.globals().paths(), out);
        disk(cli.globals().paths().root(), out);
        disk(cli.globals().paths().state(), out);
        kernel(out);
        killMode(out);
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
                    "users of the host can look into it, or run programs out of images in it (" + cve + ")",
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

    private static void disk(Path folder, List<Finding> out) {
        try {
            var store = Files.getFileStore(folder);
            var free = store.getUsableSpace();
            if (free < LEAST_FREE && free < store.getTotalSpace() / 10) {
                out.add(Finding.warning(
                        "disk",
                        folder + " has " + (free >> 20) + " MiB left",
                        "the upgrade migrates containerd's database, and each bundle needs room",
                        "make room first"));
            }
        } catch (IOException e) {
            return;
        }
    }

    private static void kernel(List<Finding> out) {
        var version = System.getProperty("os.version", "");
        if (isBefore(version, 4, 18)) {
            out.add(Finding.warning(
                    "kernel",
                    "the kernel is " + Text.oneLine(version),
                    "jshim was made for 4.18 and later",
                    "use a newer kernel, or try it on one node first"));
        }
    }

    /** Where systemd runs the service. */
    private void killMode(List<Finding> out) {
        if (!Files.isDirectory(Path.of("/run/systemd/system"))) {
            return;
        }
        var command = List.of("systemctl", "show", "containerd.service", "--property=KillMode", "--value");
        var outcome = RuntimeCall.run(command, Duration.ofSeconds(2));
        var mode = outcome.said().strip();
        if (outcome.done() && (mode.equals("control-group") || mode.equals("mixed"))) {
            out.add(Finding.error(
                    "KillMode",
                    "containerd.service has KillMode=" + mode,
                    "to stop or upgrade containerd kills every shim, and with it every container",
                    "set KillMode=process in a drop-in, and \"systemctl daemon-reload\""));
        }
    }

    /** Only what was tried: 1.8.1 refuses the spec that 2.x writes, "unknown version specified". */
    private void crun(List<Finding> out) {
        var outcome = RuntimeCall.run(List.of("sh", "-c", "crun --version | head -n 1"), Duration.ofSeconds(2));
        if (outcome.done() && outcome.said().startsWith("crun") && isBefore(outcome.said(), 1, 9)) {
            out.add(Finding.warning(
                    "crun",
                    Text.oneLine(outcome.said()) + " is installed",
                    "crun 1.8.1 refuses the OCI version that containerd 1.7 and 2.x write",
                    "where containers use it, upgrade crun first"));
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
