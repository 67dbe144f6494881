package dev.jshim.bridge.migrate;

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

/** What of the v1 containers that a containerd 2.x has lost can come back, and what was taken from them for good. */
record RescueSurvey(NodePaths paths, ContainerdClient containerd) {
    static final String ADOPT = "adopt";
    static final String BEYOND = "beyond";
    static final String REPAIR = "repair";

    private static final String NETWORK = "network:";
    private static final Pattern PROCESS = Pattern.compile("/proc/(\\d{1,9})/ns/net");

    /**
     * A row for each candidate that is not adopted, {@code adopt}, with what it has lost, or {@code beyond}; and for
     * one that was adopted by a rescue which did not come to its repair, {@code repair}.
     */
    List<Report.Row> rows(List<Candidate> candidates) {
        Map<Integer, V1Bundle> inits = new HashMap<>();
        candidates.forEach(candidate -> inits.put(candidate.bundle().initPid(), candidate.bundle()));
        List<Report.Row> rows = new ArrayList<>();
        for (var candidate : candidates) {
            var task = candidate.task();
            var record = candidate.record();
            List<String> found = new ArrayList<>();
            if (record == null) {
                rows.add(new Report.Row(task, BEYOND, candidate.reason()));
            } else if (candidate.isAdopted()) {
                if (record.init().isAlive()) {
                    status(task, found);
                }
                if (!found.isEmpty()) {
                    rows.add(new Report.Row(task, REPAIR, String.join("; ", found)));
                }
            } else if (containerd.container(task) instanceof Answer.Refused<ContainerRecord>(var code, var _)
                    && code == Status.Code.NOT_FOUND) {
                rows.add(new Report.Row(
                        task,
                        BEYOND,
                        "containerd has deleted its record: its processes run on (init " + candidate.pid()
                                + ", v1 shim " + candidate.shimPid() + "): end them by hand"));
            } else {
                if (record.init().isAlive()) {
                    snapshot(record.init().pid(), found);
                    network(candidate.bundle(), inits, found);
                } else {
                    found.add("it has exited: its v1 shim keeps the exit code");
                }
                status(task, found);
                rows.add(new Report.Row(task, ADOPT, String.join("; ", found)));
            }
        }
        return rows;
    }

    /** The layers of its root are directories of a snapshotter, which deletes them with the snapshot. */
    private void snapshot(int pid, List<String> lost) {
        try {
            for (var line : Files.readAllLines(Path.of("/proc/" + pid + "/mounts"))) {
                var fields = line.split(" ", -1);
                if (fields[1].equals("/") && fields[2].equals("overlay")) {
                    layers(fields[3], lost);
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
