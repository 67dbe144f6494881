package dev.jshim.bridge;

import com.google.protobuf.Empty;
import dev.jshim.node.NodePaths;
import dev.jshim.shim.keeper.WholeFile;
import dev.jshim.shim.log.ShimLog;
import dev.jshim.shim.oci.BundleFiles;
import dev.jshim.shim.task.Exit;
import dev.jshim.shim.task.ShimException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The end of an adopted container, noted before it begins: its bundle goes with containerd's {@code delete}, and a
 * bridge that died before it had cleared away what was of v1 would leave nothing to tell the next one of it. A file for
 * each under the bridge's own directory.
 *
 * @param exit init's, null where it was not known
 */
public record Ending(
        Path file, LegacyRecord record, @Nullable Exit exit) {
    private static final String SUFFIX = ".v1";
    /** What containerd itself says where it does not know. */
    static final int UNKNOWN = 255;

    /** The ending of a container, which {@link #note} writes. */
    static Ending of(BridgePaths paths, LegacyRecord record, @Nullable Exit exit) {
        return new Ending(paths.ending(record.key() + " " + record.init()), record, exit);
    }

    /** The exit that is noted with the ending of a container; null if none is. */
    static @Nullable Exit noted(BridgePaths paths, LegacyRecord record) {
        try {
            return exit(Files.readString(of(paths, record, null).file()));
        } catch (IOException | IllegalArgumentException | DateTimeParseException e) {
            return null;
        }
    }

    /** Those that were noted and are not done, whoever noted them. One that cannot be read is put out of the way. */
    static List<Ending> all(BridgePaths paths) throws IOException {
        List<Ending> all = new ArrayList<>();
        if (!Files.isDirectory(paths.endings())) {
            return all;
        }
        try (var files = Files.newDirectoryStream(paths.endings(), "*" + SUFFIX)) {
            for (var file : files) {
                try {
                    var text = Files.readString(file);
                    all.add(new Ending(file, LegacyRecord.parse(text), exit(text)));
                } catch (IOException | IllegalArgumentException | DateTimeParseException e) {
                    ShimLog.error("the note of a container's end is damaged", "path", file, "error", e);
                    Files.deleteIfExists(file);
                }
            }
        }
        return all;
    }

    private static @Nullable Exit exit(String text) {
        for (var line : text.lines().toList()) {
            var words = line.split(" ", -1);
            if (words[0].equals("exit") && words.length == 4) {
                return new Exit(Integer.parseInt(words[1]), Integer.parseInt(words[2]), Instant.parse(words[3]));
            }
        }
        return null;
    }

    /** Notes that it begins. */
    void note() throws IOException {
        var folder = file.getParent();
        if (folder != null) {
            PrivateSocket.makeDirectory(folder);
        }
        var how = exit == null ? "" : "exit " + exit.pid() + " " + exit.status() + " " + exit.at() + "\n";
        WholeFile.write(file, record.text() + how);
    }

    /** That it is done, or was none. */
    void forget() {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            ShimLog.warn("could not forget a container's end", "path", file, "error", e);
        }
    }

    /**
     * Deletes what was to be deleted when the bridge died: containerd takes a Delete whose connection was lost for done
     * (core/runtime/v2/shim.go, v2.1.9) and does not ask again. Blocks for the v1 shim, at most
     * {@link LegacyTask#SLOW}.
     *
     * <p>Where the v1 shim has died, {@link EndOfLife} deletes what is left.
     *
     * @return with init's exit
     * @throws ShimException what the v1 shim says, or that it does not answer
     */
    Ending deleteNow() {
        if (!record.shim().isAlive()) {
            return this;
        }
        try (var link = ShimLink.to(record)) {
            var answer = link.call(LegacyTask.SLOW, shim -> shim.delete(Empty.getDefaultInstance()));
            return new Ending(file, record, exit == null ? LegacyTask.exit(answer) : exit);
        }
    }

    /** Whether the bundle that the adoption added is there, and still this container's. */
    boolean hasBundle(NodePaths node) {
        return isOf(node.v2Bundle(record.task()));
    }

    /** Leaves the answer for the launcher's {@code delete} in the bundle, where that is still the container's. */
    void answer(NodePaths node) throws IOException {
        var bundle = node.v2Bundle(record.task());
        if (isOf(bundle) && !Files.exists(bundle.resolve(EndOfLife.EXIT_FILE))) {
            var unknown = new Exit(record.init().pid(), UNKNOWN, Instant.now());
            BundleFiles.writeExit(bundle, exit == null ? unknown : exit);
        }
    }

    private boolean isOf(Path bundle) {
        try {
            return AddedBundle.isOurs(bundle)
                    && LegacyRecord.read(bundle).init().equals(record.init());
        } catch (IOException e) {
            return false;
        }
    }

    /**
     * Ends what is noted and was deleted, where no bridge runs and none shall: for the end of a migration. What has not
     * been deleted yet is the old daemon's again. Blocks for some seconds at most for each.
     */
    public static void finishDeleted(BridgePaths paths) throws IOException {
        for (var ending : all(paths)) {
            if (DeletionCheck.of(ending.record()) == DeletionCheck.DELETED) {
                new EndOfLife(ending.record()).finish();
            }
            ending.forget();
        }
    }

    /**
     * Ends all that is noted, where no bridge runs and no old daemon ever comes back. Blocks for some seconds for each,
     * longer where a v1 shim takes its time.
     *
     * @throws IOException where a v1 shim does not do it; can be repeated then
     */
    public static void finishAll(BridgePaths paths) throws IOException {
        for (var ending : all(paths)) {
            var check = DeletionCheck.of(ending.record());
            try {
                if (check == DeletionCheck.UNKNOWN) {
                    throw new ShimException(ShimException.Kind.UNAVAILABLE, "it does not answer");
                }
                if (check == DeletionCheck.STOPPED) {
                    var _ = ending.deleteNow();
                }
            } catch (ShimException e) {
                throw new IOException(
                        "the v1 shim of " + ending.record().key() + ", pid "
                                + ending.record().shim().pid() + ", was to delete its container, which has exited: "
                                + e.getMessage() + "; see to it, or end it, and run this again",
                        e);
            }
            if (check != DeletionCheck.PRESENT) {
                new EndOfLife(ending.record()).finish();
            }
            ending.forget();
        }
    }
}
