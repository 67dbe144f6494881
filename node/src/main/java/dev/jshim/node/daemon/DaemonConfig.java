package dev.jshim.node.daemon;

import dev.jshim.node.NodePaths;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a containerd's config.toml says, as far as a migration needs it. A text is empty if the file says nothing:
 * containerd's own default holds then (v1.6.20, services/server/config/config.go and runtime/v1/linux/runtime.go).
 *
 * @param files the file and those that it imports, as they were read; empty for the defaults
 * @param ttrpcAddress of containerd's ttrpc socket, see {@link #ttrpcSocket}
 * @param version of the file, not of those that it imports; 0 if it says none
 * @param shim of the v1 runtime: the shim's program
 * @param runtime of the v1 runtime: the OCI program, which no flag of a v1 shim names
 * @param runtimeRoot of the v1 runtime: the OCI program's {@code --root}, without the namespace
 * @param shimDebug of the v1 runtime
 */
public record DaemonConfig(
        List<Path> files,
        String root,
        String state,
        String address,
        String ttrpcAddress,
        long version,
        String shim,
        String runtime,
        String runtimeRoot,
        boolean shimDebug) {
    /** What the gRPC socket's name has at its end to be the ttrpc one's, if that is not named. */
    static final String TTRPC_SUFFIX = ".ttrpc";

    /** The first version in which the sockets are plugins'. */
    static final long SERVER_PLUGINS = 4;

    /** Where a containerd without {@code --config} looks. */
    public static final Path DEFAULT_FILE = Path.of("/etc/containerd/config.toml");

    /** Of a containerd without a configuration. */
    public static final DaemonConfig DEFAULTS = new DaemonConfig(List.of(), "", "", "", "", 0, "", "", "", false);

    public DaemonConfig {
        files = List.copyOf(files);
    }

    /** Root and state, with containerd's defaults. */
    public NodePaths paths() {
        var defaults = NodePaths.defaults();
        return new NodePaths(
                root.isEmpty() ? defaults.root() : Path.of(root), state.isEmpty() ? defaults.state() : Path.of(state));
    }

    /** containerd's gRPC socket; the default is fixed, whatever the state directory is. */
    public Path grpcSocket() {
        return address.isEmpty() ? defaultSocket() : Path.of(address);
    }

    private static Path defaultSocket() {
        return NodePaths.defaults().state().resolve("containerd.sock");
    }

    /**
     * The ttrpc socket; null if it is the gRPC one with {@code .ttrpc} behind it. In a file of version 4 on it does not
     * follow the gRPC one: its default is fixed too.
     */
    public @Nullable Path ttrpcSocket() {
        if (!ttrpcAddress.isEmpty()) {
            return Path.of(ttrpcAddress);
        }
        return version < SERVER_PLUGINS ? null : Path.of(defaultSocket() + TTRPC_SUFFIX);
    }

    /** With what a command line says, which wins over the file. An empty text says nothing. */
    DaemonConfig with(String flagRoot, String flagState, String flagAddress) {
        return new DaemonConfig(
                files,
                flagRoot.isEmpty() ? root : flagRoot,
                flagState.isEmpty() ? state : flagState,
                flagAddress.isEmpty() ? address : flagAddress,
                // beside a flag it follows in every version
                flagAddress.isEmpty() || !ttrpcAddress.isEmpty() ? ttrpcAddress : flagAddress + TTRPC_SUFFIX,
                version,
                shim,
                runtime,
                runtimeRoot,
                shimDebug);
    }
}
