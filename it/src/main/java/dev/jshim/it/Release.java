package dev.jshim.it;

import java.nio.file.Files;
import java.nio.file.Path;

/** A containerd that the scenarios run with: where its programs are and how it is configured. Immutable. */
public enum Release {
    V1_6("1.6", "JSHIM_CONTAINERD_16"),
    V1_7("1.7", "JSHIM_CONTAINERD_17"),
    V2("2", "JSHIM_CONTAINERD_2");

    private final String label;
    private final String variable;

    Release(String label, String variable) {
        this.label = label;
        this.variable = variable;
    }

    /** Says whether this daemon still has the v1 runtime. */
    public boolean hasLegacyRuntime() {
        return this != V2;
    }

    /**
     * The folder with {@code containerd} and {@code ctr} of this version, from the environment.
     *
     * @throws IllegalStateException if the variable is unset or a program is missing: a missing tool fails a run, it
     *     never skips it
     */
    public Path folder() {
        String value = System.getenv(variable);
        if (value == null || value.isEmpty()) {
            throw new IllegalStateException("containerd " + label + " is needed: set " + variable
                    + " to the folder that './dev containerd " + label + "' prints");
        }
        Path folder = Path.of(value);
        for (String program : new String[] {"containerd", "ctr"}) {
            if (!Files.isExecutable(folder.resolve(program))) {
                throw new IllegalStateException(variable + "=" + value + ": no program '" + program + "' there");
            }
        }
        return folder;
    }

    /** The folder's {@code ctr}. */
    public Path ctr() {
        return folder().resolve("ctr");
    }

    /** The folder's {@code containerd}. */
    public Path daemon() {
        return folder().resolve("containerd");
    }

    /**
     * A small configuration: own places, and nothing loaded that a shim has no part in, so that a start takes about 0.1
     * s.
     */
    String config(Path root, Path state, Path socket) {
        return """
                version = %d
                root = "%s"
                state = "%s"
                disabled_plugins = [%s]
                [grpc]
                  address = "%s"
                [debug]
                  level = "info"
                """.formatted(this == V2 ? 3 : 2, root, state, disabled(), socket);
    }

    private String disabled() {
        String all = """
                "io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt", "io.containerd.internal.v1.tracing",
                "io.containerd.tracing.processor.v1.otlp", "io.containerd.snapshotter.v1.btrfs",
                "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs\"""";
        String own = switch (this) {
            case V1_6 -> "\"io.containerd.snapshotter.v1.aufs\"";
            case V1_7 -> """
                        "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.blockfile",
                        "io.containerd.nri.v1.nri\"""";
            case V2 -> """
                        "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime", "io.containerd.nri.v1.nri",
                        "io.containerd.podsandbox.controller.v1.podsandbox",
                        "io.containerd.snapshotter.v1.erofs", "io.containerd.snapshotter.v1.blockfile\"""";
        };
        return all + ", " + own;
    }

    @Override
    public String toString() {
        return label;
    }
}
