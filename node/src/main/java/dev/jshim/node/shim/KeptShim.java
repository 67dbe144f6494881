package dev.jshim.node.shim;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashMap;
import org.jspecify.annotations.Nullable;

/**
 * A shim of jshim's with a keeper, by what both have written down in its folder (GroupFolder and ShimNote of shim-v2/).
 *
 * @param keeper how the keeper stands, whose process the shim's pid names
 * @param containerd the socket of the daemon that has started it
 * @param socket its own
 * @param isTtrpc whether it outlives its JVM: a shim that speaks gRPC does not
 */
public record KeptShim(KeeperState keeper, String namespace, String containerd, Path socket, boolean isTtrpc) {
    private static final int MAX_BYTES = 4096;

    /** What is in a folder; null if that is not such a shim's. */
    static @Nullable KeptShim read(Path folder) {
        var keeper = KeeperState.read(folder.resolve("keeper"));
        var note = folder.resolve("shim");
        if (keeper == null) {
            return null;
        }
        try {
            var values = new HashMap<String, String>();
            if (Files.size(note) <= MAX_BYTES) {
                for (var line : Files.readAllLines(note)) {
                    var words = line.split(" ", 2);
                    values.put(words[0], words[words.length - 1]);
                }
            }
            return new KeptShim(
                    keeper,
                    values.getOrDefault("namespace", ""),
                    values.getOrDefault("containerd", ""),
                    Path.of(values.getOrDefault("socket", "")),
                    values.getOrDefault("protocol", "").equals("ttrpc"));
        } catch (IOException | InvalidPathException e) {
            return null;
        }
    }
}
