package dev.jshim.node.shim;

import dev.jshim.linux.ProcessId;
import dev.jshim.node.process.ProcessFacts;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * jshim's own shims by their keepers, which write down beside the sockets how they stand. A shim's pid is its keeper's;
 * the JVM, which may die and is started again, is the keeper's child. Immutable.
 */
public final class ShimKeepers {
    /** As in GroupFolder of shim-v2/, with a folder for each shim. */
    private static final Path GROUPS = Path.of("/run/jshim/s");

    private final Map<ProcessId, KeptShim> shims = new LinkedHashMap<>();

    private ShimKeepers(Path groups) {
        try (var folders = Files.newDirectoryStream(groups)) {
            for (var folder : folders) {
                var shim = KeptShim.read(folder);
                if (shim != null) {
                    shims.put(shim.keeper().keeper(), shim);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            // No shim of ours has ever run here, or they are not ours to look at.
        }
    }

    /** Those of this machine, as they stand now. */
    public static ShimKeepers read() {
        return read(GROUPS);
    }

    /** The same of another folder. */
    static ShimKeepers read(Path groups) {
        return new ShimKeepers(groups);
    }

    /** All of them, also those whose keeper was killed and has left its folder. */
    public Collection<KeptShim> all() {
        return List.copyOf(shims.values());
    }

    /** The one whose keeper is this process; null if there is none, or it has written nothing down. */
    public @Nullable KeptShim of(@Nullable ProcessFacts shim) {
        return shim == null ? null : shims.get(shim.ref());
    }

    /** How the keeper stands that is this process; null as for {@link #of}. */
    @Nullable
    public KeeperState stateOf(@Nullable ProcessFacts shim) {
        var kept = of(shim);
        return kept == null ? null : kept.keeper();
    }
}
