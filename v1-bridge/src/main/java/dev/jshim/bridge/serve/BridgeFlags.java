package dev.jshim.bridge.serve;

import dev.jshim.node.NodePaths;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What follows {@code bridge} on the command line.
 *
 * @param address containerd's gRPC socket
 * @param ttrpcAddress containerd's ttrpc socket
 * @param reply whether to answer on descriptor 3 when it serves
 */
public record BridgeFlags(NodePaths paths, Path address, Path ttrpcAddress, boolean reply) {
    public static final String USAGE =
            "usage: containerd-shim-v1-linux bridge -root DIR -state DIR -address SOCKET [-ttrpc-address SOCKET]"
                    + " [-reply]";

    /** The tree that this process runs from, as the launcher says. */
    private static final String HOME = "jshim.home";

    /**
     * Reads the flags.
     *
     * @throws IllegalArgumentException that says what is wrong
     */
    public static BridgeFlags parse(String... args) {
        var root = NodePaths.defaults().root();
        var state = NodePaths.defaults().state();
        Path address = null;
        Path ttrpc = null;
        var reply = false;
        for (var i = 0; i < args.length; i++) {
            switch (args[i]) {
                case "-root" -> root = path(args, ++i);
                case "-state" -> state = path(args, ++i);
                case "-address" -> address = path(args, ++i);
                case "-ttrpc-address" -> ttrpc = path(args, ++i);
                case "-reply" -> reply = true;
                default -> throw new IllegalArgumentException("flag " + args[i] + " is not known");
            }
        }
        var grpc = address == null ? state.resolve("containerd.sock") : address;
        return new BridgeFlags(new NodePaths(root, state), grpc, ttrpcOf(grpc, ttrpc), reply);
    }

    /** containerd's default: beside its gRPC socket (cmd/containerd/server/config, v2.1.4). */
    private static Path ttrpcOf(Path grpc, @Nullable Path given) {
        return given == null ? Path.of(grpc + ".ttrpc") : given;
    }

    /** The tree of programs that this process is of, by the name that lasts. */
    Path tree() {
        var home = Path.of(System.getProperty(HOME, "/"));
        try {
            return BridgeKeeper.lasting(home);
        } catch (IOException e) {
            return home;
        }
    }

    private static Path path(String[] args, int index) {
        if (index >= args.length || args[index].isEmpty()) {
            throw new IllegalArgumentException("flag " + args[index - 1] + " needs a value");
        }
        return Path.of(args[index]);
    }
}
