package dev.jshim.bridge.migrate;

import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.linux.MountPoint;
import dev.jshim.node.Answer;
import dev.jshim.node.NodePaths;
import dev.jshim.node.bundle.OciConfig;
import dev.jshim.node.bundle.V1Bundle;
import dev.jshim.node.daemon.ContainerRecord;
import dev.jshim.node.daemon.ContainerdClient;
import dev.jshim.task.TaskId;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What of the v1 containers that a containerd 2.x has lost can come back, and what was taken from them for good. */
final class RescueSurvey {
    static final String ADOPT = "adopt";
    static final String BEYOND = "beyond";
    static final String REPAIR = "repair";

    private static final String NETWORK = "network:";
    private static final Pattern PROCESS = Pattern.compile("/proc/(\\d{1,9})/ns/net");

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

    /**
     * A row for each candidate that is not adopted, {@code adopt}, with what it has lost, or {@code beyond}; and for
     * one that was adopted by a rescue which did not come to its repair, {@code repair}.
     */
    List<Report.Row> rows(List<Candidate> candidates, Map<TaskId, V1Bundle> bundles) {
        Map<Integer, V1Bundle> inits = new HashMap<>();
        bundles.values().forEach(bundle -> inits.put(bundle.initPid(), bundle));
        List<Report.Row> rows = new ArrayList<>();
        for (var candidate : candidates) {
            var bundle = bundles.get(candidate.task());
            var record = candidate.record();
            if (record == null || !candidate.isAdopted()) {
                rows.add(row(candidate, record, bundle, inits));
            } else if (record.init().isAlive()) {
                List<String> wrong = new ArrayList<>();
                status(candidate.task(), wrong);
                if (!wrong.isEmpty()) {
                    rows.add(new Report.Row(candidate.task(), REPAIR, String.join("; ", wrong)));
                }
            }
        }
        return rows;
    }

    private Report.Row row(
            Candidate candidate,
            @Nullable AdoptedRecord record,
            @Nullable V1Bundle bundle,
            Map<Integer, V1Bundle> inits) {
        var task = candidate.task();
        if (record == null) {
            return new Report.Row(task, BEYOND, candidate.reason());
        }
        if (containerd.container(task) instanceof Answer.Refused<ContainerRecord>(var code, var _)
                && code == Status.Code.NOT_FOUND) {
            return new Report.Row(
                    task,
                    BEYOND,
                    "containerd has deleted its record: its processes run on (init " + candidate.pid() + ", v1 shim "
                            + candidate.shimPid() + "): end them by hand");
        }
        var lost = new ArrayList<String>();
        var init = record.init();
        if (init.isAlive()) {
            snapshot(init.pid(), lost);
            if (bundle != null) {
                network(bundle, inits, lost);
            }
        } else {
            lost.add("it has exited: its v1 shim keeps the exit code");
        }
        status(task, lost);
        return new Report.Row(task, ADOPT, String.join("; ", lost));
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
                    if (layer.startsWith("/") && !Files.exists(Path.of(MountPoint.unescape(layer)))) {
                        lost.add("LOST for good: a layer of its root, " + layer
                                + ", was deleted: recreate the container");
                        return;
                    }
                }
            }
        }
    }

    /**
     * A network that CRI made is a file below /run/netns or /var/run/netns, which goes when the pod is stopped. That of
     * a container is its sandbox's, by a path in /proc.
     */
    private static void network(V1Bundle bundle, Map<Integer, V1Bundle> inits, List<String> lost) {
        var own = network(bundle);
        var process = PROCESS.matcher(own);
        var sandbox = process.matches() ? inits.get(Integer.parseInt(process.group(1))) : null;
        var path = sandbox == null ? own : network(sandbox);
        try {
            if (!path.isEmpty() && !PROCESS.matcher(path).matches() && !Files.exists(Path.of(path))) {
                lost.add("LOST for good: its network is gone (" + path + "): recreate the pod");
            }
        } catch (InvalidPathException e) {
            lost.add("its network is no path: " + e.getMessage());
        }
    }

    /** The path of the network that it was told to join; empty where there is none. */
    private static String network(V1Bundle bundle) {
        if (bundle.config() instanceof OciConfig.Spec spec) {
            for (var namespace : spec.namespaces()) {
                if (namespace.startsWith(NETWORK)) {
                    return namespace.substring(NETWORK.length());
                }
            }
        }
        return "";
    }

    private void status(TaskId task, List<String> lost) {
        try {
            if (CriStatus.of(paths.root(), task.id()).isExited()) {
                lost.add("CRI has recorded an exit: rescue repairs that");
            }
        } catch (IOException e) {
            lost.add(String.valueOf(e.getMessage()));
        }
    }
}
