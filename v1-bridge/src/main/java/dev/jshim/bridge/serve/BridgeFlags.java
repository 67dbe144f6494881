package dev.jshim.bridge.serve;

import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.node.NodePaths;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What follows {@code bridge} on the command line, and how a bridge and its keeper are started with it
 * (launcher/README.md).
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

    /** Beside trees that replace one another: a link to the newest. */
    private static final String NEWEST = "current";

    private static final Path PROGRAM = Path.of("bin/containerd-shim-v1-linux");

    /**
     * A bridge that is to answer when it serves.
     *
     * @param ttrpcAddress null for containerd's default: beside its gRPC socket (cmd/containerd/server/config, v2.1.4)
     */
    public static BridgeFlags of(NodePaths paths, Path address, @Nullable Path ttrpcAddress) {
        return new BridgeFlags(paths, address, ttrpcOf(address, ttrpcAddress), true);
    }

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

    private static Path ttrpcOf(Path grpc, @Nullable Path given) {
        return given == null ? Path.of(grpc + ".ttrpc") : given;
    }

    private static Path path(String[] args, int index) {
        if (index >= args.length || args[index].isEmpty()) {
            throw new IllegalArgumentException("flag " + args[index - 1] + " needs a value");
        }
        return Path.of(args[index]);
    }

    /**
     * The command line that starts a bridge of a tree under a keeper. It has the tree's own name, not a link to it:
     * should a newer tree not come up, the one before is started again, whose name the link was.
     */
    public List<String> command(Path tree) {
        var program = program(tree);
        try {
            program = program.toRealPath();
        } catch (IOException e) {
            // Whoever starts it says so.
        }
        var line = new ArrayList<>(
                List.of(program.toString(), "bridge", "-root", paths.root().toString()));
        line.addAll(List.of("-state", paths.state().toString(), "-address", address.toString()));
        line.addAll(List.of("-ttrpc-address", ttrpcAddress.toString(), "-reply"));
        return List.copyOf(line);
    }

    /** What the keeper of a bridge of a tree is started with. */
    public List<String> keeperArguments(Path tree) {
        var all = new ArrayList<>(List.of("-s", new BridgePaths(paths).keeper().toString(), "--"));
        all.addAll(command(tree));
        return List.copyOf(all);
    }

    /** The bridge's program in a tree. */
    public static Path program(Path tree) {
        return tree.resolve(PROGRAM);
    }

    /** The tree of programs that this process is of, by the name that lasts. */
    static Path ownTree() {
        var home = Path.of(System.getProperty(HOME, "/"));
        try {
            return lasting(home);
        } catch (IOException e) {
            return home;
        }
    }

    /**
     * A tree under the name by which it is found after an upgrade too. That goes into bundles, which outlive the tree
     * that wrote them.
     *
     * @throws IOException if there is no such tree
     */
    public static Path lasting(Path tree) throws IOException {
        var real = tree.toRealPath();
        var newest = real.resolveSibling(NEWEST);
        var isReplaced = Files.isSymbolicLink(newest) && Files.isExecutable(program(newest));
        return isReplaced ? newest : real;
    }
}
