package dev.jshim.bridge.serve;

import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.shim.keeper.Keeper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * How a bridge and its keeper are started (launcher/README.md).
 *
 * @param tree of jshim's programs, of the version that is to run
 * @param address containerd's gRPC socket
 * @param ttrpcAddress containerd's ttrpc socket
 */
public record BridgeKeeper(BridgePaths paths, Path tree, Path address, Path ttrpcAddress) {
    /** Beside trees that replace one another: a link to the newest. */
    private static final String NEWEST = "current";

    private static final Path BRIDGE = Path.of("bin/containerd-shim-v1-linux");

    /**
     * A tree under the name by which it is found after an upgrade too. That goes into bundles, which outlive the tree
     * that wrote them.
     *
     * @throws IOException if there is no such tree
     */
    public static Path lasting(Path tree) throws IOException {
        var real = tree.toRealPath();
        var newest = real.resolveSibling(NEWEST);
        var isReplaced = Files.isSymbolicLink(newest) && Files.isExecutable(newest.resolve(BRIDGE));
        return isReplaced ? newest : real;
    }

    /** The keeper's program. */
    public Path program() {
        return tree.resolve(Keeper.PROGRAM);
    }

    /** The bridge's program. */
    public Path bridge() {
        return tree.resolve(BRIDGE);
    }

    /** The command line that starts a bridge under a keeper; it answers on descriptor 3 when it serves. */
    public List<String> bridgeCommand() {
        return List.of(
                real(bridge()).toString(),
                "bridge",
                "-root",
                paths.node().root().toString(),
                "-state",
                paths.node().state().toString(),
                "-address",
                address.toString(),
                "-ttrpc-address",
                ttrpcAddress.toString(),
                "-reply");
    }

    /**
     * The tree's own name, not a link to it: should a newer tree not come up, the one before is started again, whose
     * name the link was.
     */
    private static Path real(Path program) {
        try {
            return program.toRealPath();
        } catch (IOException e) {
            return program;
        }
    }

    /** What the keeper is started with. */
    public List<String> arguments() {
        var all = new ArrayList<>(List.of("-s", paths.keeper().toString(), "--"));
        all.addAll(bridgeCommand());
        return List.copyOf(all);
    }
}
