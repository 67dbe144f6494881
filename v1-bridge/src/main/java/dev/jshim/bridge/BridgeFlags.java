package dev.jshim.bridge;

import dev.jshim.node.NodePaths;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What follows {@code bridge} on the command line.
 *
 * @param address containerd's gRPC socket
 * @param ttrpcAddress containerd's ttrpc socket
 * @param reply whether to answer on descriptor 3 when it serves
 * @param takeOver whether to take the place of the bridge that runs
 * @param again whether it is started after a crash, and is to end at once where nothing is adopted any more
 */
record BridgeFlags(NodePaths paths, Path address, Path ttrpcAddress, boolean reply, boolean takeOver, boolean again) {
    static final String USAGE =
            "usage: containerd-shim-v1-linux bridge -root DIR -state DIR -address SOCKET [-ttrpc-address SOCKET]"
                    + " [-take-over | -again] [-reply]";

    /**
     * Reads the flags.
     *
     * @throws IllegalArgumentException that says what is wrong
     */
    static BridgeFlags parse(String... args) {
        var root = NodePaths.defaults().root();
        var state = NodePaths.defaults().state();
        Path address = null;
        Path ttrpc = null;
        var reply = false;
        var takeOver = false;
        var again = false;
        for (var i = 0; i < args.length; i++) {
            switch (args[i]) {
                case "-root" -> root = path(args, ++i);
                case "-state" -> state = path(args, ++i);
                case "-address" -> address = path(args, ++i);
                case "-ttrpc-address" -> ttrpc = path(args, ++i);
                case "-reply" -> reply = true;
                case "-take-over" -> takeOver = true;
                case "-again" -> again = true;
                default -> throw new IllegalArgumentException("flag " + args[i] + " is not known");
            }
        }
        var grpc = address == null ? state.resolve("containerd.sock") : address;
        return new BridgeFlags(new NodePaths(root, state), grpc, ttrpcOf(grpc, ttrpc), reply, takeOver, again);
    }

    /** containerd's default: beside its gRPC socket (cmd/containerd/server/config, v2.1.4). */
    private static Path ttrpcOf(Path grpc, @Nullable Path given) {
        return given == null ? Path.of(grpc + ".ttrpc") : given;
    }

    private static Path path(String[] args, int index) {
        if (index >= args.length || args[index].isEmpty()) {
            throw new IllegalArgumentException("flag " + args[index - 1] + " needs a value");
        }
        return Path.of(args[index]);
    }
}
