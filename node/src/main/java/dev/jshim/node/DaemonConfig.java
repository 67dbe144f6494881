package dev.jshim.node;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a containerd's config.toml says, as far as a migration needs it. A text is empty where the file says nothing:
 * containerd's own default holds then (v1.6.20, services/server/config/config.go and runtime/v1/linux/runtime.go).
 *
 * @param files the file and those that it imports, as they were read; empty for the defaults
 * @param ttrpcAddress of containerd's ttrpc socket; the gRPC one with {@code .ttrpc} where it is empty
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
        String shim,
        String runtime,
        String runtimeRoot,
        boolean shimDebug) {
    /** Where a containerd without {@code --config} looks. */
    public static final Path DEFAULT_FILE = Path.of("/etc/containerd/config.toml");

    /** Of a containerd without a configuration. */
    public static final DaemonConfig DEFAULTS = new DaemonConfig(List.of(), "", "", "", "", "", "", "", false);

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
        return address.isEmpty() ? NodePaths.defaults().state().resolve("containerd.sock") : Path.of(address);
    }

    /** The ttrpc socket that is named; null where the default holds. */
    public @Nullable Path ttrpcSocket() {
        return ttrpcAddress.isEmpty() ? null : Path.of(ttrpcAddress);
    }

    /** With what a command line says, which wins over the file. An empty text says nothing. */
    DaemonConfig with(String flagRoot, String flagState, String flagAddress) {
        return new DaemonConfig(
                files,
                flagRoot.isEmpty() ? root : flagRoot,
                flagState.isEmpty() ? state : flagState,
                flagAddress.isEmpty() ? address : flagAddress,
                ttrpcAddress,
                shim,
                runtime,
                runtimeRoot,
                shimDebug);
    }
}
