package dev.jshim.node.daemon;

import dev.jshim.node.NodePaths;
import dev.jshim.node.process.ProcFs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.util.ArrayList;
import java.util.List;

/**
 * Finds the containerd that is meant where nobody names one: that in the default directories where it runs or has
 * bundles, else the only one that runs, else the only place that has bundles of those that distributions choose.
 */
public final class DaemonSearch {
    /** k3s, RKE2, MicroK8s, and Docker's own. */
    private static final List<DaemonConfig> WELL_KNOWN = List.of(
            place(
                    "/var/lib/rancher/k3s/agent/containerd",
                    "/run/k3s/containerd",
                    "/run/k3s/containerd/containerd.sock"),
            place(
                    "/var/lib/rancher/rke2/agent/containerd",
                    "/run/k3s/containerd",
                    "/run/k3s/containerd/containerd.sock"),
            place(
                    "/var/snap/microk8s/common/var/lib/containerd",
                    "/var/snap/microk8s/common/run/containerd",
                    "/var/snap/microk8s/common/run/containerd.sock"),
            place(
                    "/var/lib/docker/containerd/daemon",
                    "/run/docker/containerd/daemon",
                    "/run/docker/containerd/containerd.sock"));

    private final ProcFs proc;
    private final DaemonConfig usual;
    private final List<DaemonConfig> wellKnown;

    DaemonSearch(ProcFs proc, DaemonConfig usual, List<DaemonConfig> wellKnown) {
        this.proc = proc;
        this.usual = usual;
        this.wellKnown = List.copyOf(wellKnown);
    }

    /** Looks at this machine. */
    public static DaemonSearch ofThisMachine() {
        return new DaemonSearch(ProcFs.system(), DaemonConfig.DEFAULTS, WELL_KNOWN);
    }

    static DaemonConfig place(String root, String state, String address) {
        return DaemonConfig.DEFAULTS.with(root, state, address);
    }

    /** The one that is meant; the defaults if that is not known. */
    public DaemonConfig find() {
        if (hasBundles(usual.paths())) {
            return usual;
        }
        var running = running();
        if (!running.isEmpty()) {
            return running.size() == 1 ? running.getFirst() : usual;
        }
        var used = wellKnown.stream()
                .filter(place -> Files.isDirectory(place.paths().root()) && hasBundles(place.paths()))
                .toList();
        return used.size() == 1 ? used.getFirst() : usual;
    }

    private List<DaemonConfig> running() {
        var out = new ArrayList<DaemonConfig>();
        for (var daemon : DaemonProcess.all(proc)) {
            try {
                out.add(daemon.settings());
            } catch (IOException | IllegalArgumentException e) {
                // what it says of itself on its command line is all that we have
                out.add(daemon.flags());
            }
        }
        return out;
    }

    private static boolean hasBundles(NodePaths paths) {
        return Files.isDirectory(paths.v1State(), LinkOption.NOFOLLOW_LINKS)
                || Files.isDirectory(paths.v2State(), LinkOption.NOFOLLOW_LINKS);
    }
}
