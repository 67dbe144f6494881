package dev.jshim.shim;

import dev.jshim.shim.config.Grouping;
import dev.jshim.shim.oci.Spec;

/** Which containers share one shim process. */
final class Group {
    /** In the order of preference, as runc's v2 shim has them (manager/manager_linux.go groupLabels, v2.1.4). */
    private static final String[] LABELS = {"io.containerd.runc.v2.group", "io.kubernetes.cri.sandbox-id"};

    /** No container's id has a slash. launcher.c has the same name. */
    private static final String NODE = "/node";

    /**
     * That of containers whose record names the v1 runtime: their shim knows which OCI runtime an old daemon had for
     * them, and another one does not.
     */
    private static final String LEGACY_NODE = "/node-v1";

    private Group() {}

    /** The group's name: that of the pod if the spec names one, else the container's own id. */
    static String of(Grouping grouping, Spec spec, String id) {
        return switch (grouping) {
            case NODE -> BinaryName.isLegacy() ? LEGACY_NODE : NODE;
            case POD -> pod(spec, id);
            case CONTAINER -> id;
        };
    }

    private static String pod(Spec spec, String id) {
        for (var label : LABELS) {
            var group = spec.annotations().get(label);
            if (group != null && !group.isEmpty()) {
                return group;
            }
        }
        return id;
    }
}
