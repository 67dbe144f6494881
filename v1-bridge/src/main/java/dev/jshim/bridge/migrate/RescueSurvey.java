package dev.jshim.bridge.migrate;

import dev.jshim.node.Answer;
import dev.jshim.node.ContainerRecord;
import dev.jshim.node.ContainerdClient;
import dev.jshim.node.NodePaths;
import dev.jshim.node.OciConfig;
import dev.jshim.node.TaskId;
import dev.jshim.node.V1Bundle;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What of the v1 containers that a containerd 2.x has lost can come back, and what was taken from them for good. */
final class RescueSurvey {
    static final String ADOPT = "adopt";
    static final String BEYOND = "beyond";

    private static final String NETWORK = "network:";

    private final NodePaths paths;
    private final ContainerdClient containerd;
    private final Path proc;

    /**
     * A survey.
     *
     * @param containerd asked for the records, where it answers
     */
    RescueSurvey(NodePaths paths, ContainerdClient containerd, Path proc) {
        this.paths = paths;
        this.containerd = containerd;
        this.proc = proc;
    }

    /** A row for each candidate that is not adopted: {@code adopt}, with what it has lost, or {@code beyond}. */
    List<ReportRow> rows(List<Candidate> candidates, Map<TaskId, V1Bundle> bundles) {
        List<ReportRow> rows = new ArrayList<>();
        for (var candidate : candidates) {
            if (candidate instanceof Candidate.Ready ready && ready.isAdopted()) {
                continue;
            }
            rows.add(row(candidate, bundles.get(candidate.task())));
        }
        return rows;
    }

    private ReportRow row(Candidate candidate, @Nullable V1Bundle bundle) {
        var task = candidate.task();
        if (candidate instanceof Candidate.Refused) {
            return new ReportRow(
                    task.namespace(), task.id(), BEYOND, candidate.row().reason());
        }
        if (containerd.container(task) instanceof Answer.Refused<ContainerRecord>(var code, var _)
                && code == Status.Code.NOT_FOUND) {
            return new ReportRow(
                    task.namespace(),
                    task.id(),
                    BEYOND,
                    "containerd has deleted its record: its processes run on (init "
                            + candidate.row().pid() + ", v1 shim "
                            + candidate.row().shimPid()
                            + "), and only you can end them");
        }
        var lost = new ArrayList<String>();
        var pid = candidate.row().pid();
        if (Files.isDirectory(proc.resolve(Integer.toString(pid)))) {
            snapshot(pid, lost);
            if (bundle != null) {
                network(bundle, lost);
            }
        } else {
            lost.add("it has exited: its v1 shim keeps the exit code");
        }
        status(task, lost);
        return new ReportRow(task.namespace(), task.id(), ADOPT, String.join("; ", lost));
    }

    /** The layers of its root are directories of a snapshotter, which deletes them with the snapshot. */
    private void snapshot(int pid, List<String> lost) {
        try {
            for (var line : Files.readAllLines(proc.resolve(pid + "/mountinfo"))) {
                var fields = line.split(" ", -1);
                var separator = List.of(fields).indexOf("-");
                if (fields[4].equals("/") && separator > 0 && fields[separator + 1].equals("overlay")) {
                    layers(fields[separator + 3], lost);
                }
            }
        } catch (IOException e) {
            lost.add("its mounts cannot be read: " + e.getMessage());
        }
    }

    private static void layers(String options, List<String> lost) {
        for (var option : options.split(",", -1)) {
            var value = option.substring(option.indexOf('=') + 1);
            if (option.startsWith("upperdir=") || option.startsWith("lowerdir=")) {
                for (var layer : value.split(":", -1)) {
                    if (layer.startsWith("/") && !Files.exists(Path.of(layer))) {
                        lost.add("LOST for good: a layer of its root, " + layer + ", was deleted: make it anew");
                        return;
                    }
                }
            }
        }
    }

    /** A network that CRI made is a file below /run/netns or /var/run/netns, which goes when the pod is stopped. */
    private static void network(V1Bundle bundle, List<String> lost) {
        if (!(bundle.config() instanceof OciConfig.Spec spec)) {
            return;
        }
        for (var namespace : spec.namespaces()) {
            try {
                // A path in /proc is that of its sandbox, and is looked at there.
                if (namespace.startsWith(NETWORK)
                        && !namespace.startsWith(NETWORK + "/proc/")
                        && !Files.exists(Path.of(namespace.substring(NETWORK.length())))) {
                    lost.add("LOST for good: its network was taken away (" + namespace.substring(NETWORK.length())
                            + " is gone): make the pod anew");
                }
            } catch (InvalidPathException e) {
                lost.add("its network is no path: " + e.getMessage());
            }
        }
    }

    private void status(TaskId task, List<String> lost) {
        try {
            if (CriStatus.of(paths.root(), task.id()).isExited()) {
                lost.add("its CRI status says that it has exited: that is repaired");
            }
        } catch (IOException e) {
            lost.add(String.valueOf(e.getMessage()));
        }
    }
}
