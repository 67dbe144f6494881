package dev.jshim.shim;

import dev.jshim.shim.config.Protocol;
import dev.jshim.shim.keeper.WholeFile;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a JVM that comes after this one has to know of the shim: a file in the group's folder, lines of a word and a
 * value.
 *
 * @param containerd containerd's own socket, empty if it was not given
 * @param ttrpcAddress where events go to, null for nowhere
 * @param caller the daemon that the shim was started by
 * @param idle how long the shim stays after its last container, also after a Shutdown: another one may come and find it
 *     warm; null if a Shutdown ends it at once, and {@link GroupFolder#GRACE} without one
 * @param debug whether it logs what only those who look for a fault want to read
 */
record ShimNote(
        String namespace,
        String containerd,
        @Nullable Path ttrpcAddress,
        Protocol protocol,
        Path socket,
        Generation caller,
        @Nullable Duration idle,
        boolean debug) {
    static final String FILE = "shim";
    /** Of all notes in the folder; another number if a JVM of before would misunderstand them. */
    private static final String VERSION = "1";

    /** @throws IOException also for notes of another version; the message says what to do */
    static ShimNote read(Path folder) throws IOException {
        var file = folder.resolve(FILE);
        var values = GroupRecord.values(file);
        var version = values.getOrDefault("version", "");
        if (!version.equals(VERSION)) {
            throw new IOException("the notes in " + folder + " are of version " + version + ", and this jshim knows "
                    + VERSION + ": install the newer jshim again, its containers run on meanwhile");
        }
        var protocol = Protocol.named(values.getOrDefault("protocol", ""));
        var ttrpc = values.getOrDefault("ttrpc", "");
        var idle = values.getOrDefault("idle", "");
        if (protocol == null) {
            throw new IOException(file + " names no protocol");
        }
        try {
            return new ShimNote(
                    values.getOrDefault("namespace", ""),
                    values.getOrDefault("containerd", ""),
                    ttrpc.isEmpty() ? null : Path.of(ttrpc),
                    protocol,
                    Path.of(value(values, "socket", file)),
                    Generation.valueOf(value(values, "caller", file)),
                    idle.isEmpty() ? null : Duration.ofSeconds(Long.parseLong(idle)),
                    Boolean.parseBoolean(values.get("debug")));
        } catch (InvalidPathException e) {
            throw new IOException(file + " names no socket: " + e.getReason(), e);
        } catch (NumberFormatException e) {
            throw new IOException(file + " does not say how long the shim stays", e);
        } catch (IllegalArgumentException e) {
            throw new IOException(file + " names no containerd that is known", e);
        }
    }

    private static String value(Map<String, String> values, String key, Path file) throws IOException {
        var value = values.get(key);
        if (value == null) {
            throw new IOException(file + " has no line for " + key);
        }
        return value;
    }

    void write(Path folder) throws IOException {
        var text = "version " + VERSION + "\nnamespace " + namespace + "\ncontainerd " + containerd + "\nttrpc "
                + (ttrpcAddress == null ? "" : ttrpcAddress) + "\nprotocol " + protocol.text() + "\nsocket " + socket
                + "\ncaller " + caller + "\nidle " + (idle == null ? "" : idle.toSeconds())
                + "\ndebug " + debug + "\n";
        WholeFile.write(folder.resolve(FILE), text);
    }
}
