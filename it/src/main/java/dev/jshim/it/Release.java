package dev.jshim.it;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

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
     *
     * @param wanted plugins that are loaded all the same
     */
    String config(Path root, Path state, Path socket, String... wanted) {
        return """
                version = %d
                root = "%s"
                state = "%s"
                disabled_plugins = [%s]
                [grpc]
                  address = "%s"
                [debug]
                  level = "info"
                """.formatted(this == V2 ? 3 : 2, root, state, disabled(List.of(wanted)), socket);
    }

    private String disabled(List<String> wanted) {
        List<String> all = List.of(
                "grpc.v1.cri",
                "internal.v1.opt",
                "internal.v1.tracing",
                "tracing.processor.v1.otlp",
                "snapshotter.v1.btrfs",
                "snapshotter.v1.devmapper",
                "snapshotter.v1.zfs");
        List<String> own = switch (this) {
            case V1_6 -> List.of("snapshotter.v1.aufs");
            case V1_7 -> List.of("snapshotter.v1.aufs", "snapshotter.v1.blockfile", "nri.v1.nri");
            case V2 ->
                List.of(
                        "cri.v1.images",
                        "cri.v1.runtime",
                        "nri.v1.nri",
                        "podsandbox.controller.v1.podsandbox",
                        "snapshotter.v1.erofs",
                        "snapshotter.v1.blockfile");
        };
        return Stream.concat(all.stream(), own.stream())
                .filter(plugin -> !wanted.contains(plugin))
                .map(plugin -> "\"io.containerd." + plugin + "\"")
                .collect(Collectors.joining(", "));
    }

    @Override
    public String toString() {
        return label;
    }
}
