package dev.jshim.bridge;

import dev.jshim.shim.keeper.WholeFile;
import dev.jshim.shim.log.ShimLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;

/**
 * Where a bridge finds containerd. It may be told of another place while it runs, so that this is noted for the bridge
 * after it, which was given the first place on its command line.
 *
 * @param address its gRPC socket
 * @param ttrpcAddress its ttrpc socket
 */
record Containerd(Path address, Path ttrpcAddress) {
    /** What is noted, or what is given where nothing is. */
    static Containerd noted(BridgePaths paths, Containerd given) {
        List<String> lines;
        try {
            lines = Files.readAllLines(paths.containerd());
            if (lines.size() == 2 && lines.stream().allMatch(line -> line.startsWith("/"))) {
                return new Containerd(Path.of(lines.get(0)), Path.of(lines.get(1)));
            }
        } catch (IOException | InvalidPathException e) {
            return given;
        }
        ShimLog.warn("where containerd is cannot be read and is passed over", "path", paths.containerd());
        return given;
    }

    /** Notes it, a line each. */
    void note(BridgePaths paths) {
        var file = paths.containerd();
        try {
            WholeFile.write(file, address + "\n" + ttrpcAddress + "\n");
        } catch (IOException e) {
            ShimLog.warn("could not note where containerd is", "path", file, "error", e);
        }
    }
}
