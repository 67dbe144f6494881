package dev.jshim.bridge.exit;

import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.linux.UnixSocket;
import dev.jshim.shim.keeper.WholeFile;
import dev.jshim.task.ShimLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;

/**
 * The containerd of a bridge: where it is looked for, and which one answers there. The place may change while the
 * bridge runs, so that it is noted for the bridge after it, which was given the first place on its command line.
 * Thread-safe.
 */
public final class Containerd {
    /** For so long a v1 shim's program waits for a daemon (cmd/containerd/command/publish.go, v1.6.20). */
    private static final Duration GREETS = Duration.ofSeconds(2);

    /**
     * A place.
     *
     * @param grpc its gRPC socket
     * @param ttrpc its ttrpc socket
     */
    public record Place(Path grpc, Path ttrpc) {}

    private final BridgePaths paths;
    private volatile Place place;

    /**
     * The containerd at a place, which is noted.
     *
     * @param isAgain whether what is noted already counts more
     */
    public Containerd(BridgePaths paths, Place given, boolean isAgain) {
        this.paths = paths;
        place = isAgain ? noted(paths, given) : given;
        follow(place);
    }

    private static Place noted(BridgePaths paths, Place given) {
        try {
            var lines = Files.readAllLines(paths.containerd());
            if (lines.size() == 2 && lines.stream().allMatch(line -> line.startsWith("/"))) {
                return new Place(Path.of(lines.get(0)), Path.of(lines.get(1)));
            }
        } catch (IOException | InvalidPathException e) {
            return given;
        }
        ShimLog.warn("cannot read containerd's address; ignoring it", "path", paths.containerd());
        return given;
    }

    public Place place() {
        return place;
    }

    /** That it is elsewhere from now on. */
    public void follow(Place now) {
        place = now;
        try {
            WholeFile.write(paths.containerd(), now.grpc() + "\n" + now.ttrpc() + "\n");
        } catch (IOException e) {
            ShimLog.warn("could not note containerd's address", "path", paths.containerd(), "error", e);
        }
    }

    /**
     * Which daemon answers now, a line that no other daemon has had, also not at the same place; empty if none answers.
     * If it is twice the same, that one has run all the while. A daemon is known by its socket, which each makes again
     * when it starts. Blocks, for two seconds at most.
     */
    public String seen() {
        var socket = place.grpc();
        var before = identity(socket);
        return !before.isEmpty() && greets(socket) && before.equals(identity(socket)) ? before : "";
    }

    private static String identity(Path socket) {
        try {
            var facts = Files.readAttributes(socket, "unix:dev,ino,lastModifiedTime");
            return facts.get("dev") + " " + facts.get("ino") + " " + facts.get("lastModifiedTime") + " " + socket;
        } catch (IOException | UnsupportedOperationException e) {
            return "";
        }
    }

    /** A gRPC server says what it is set to before anything is asked. That somebody listens says less: he may hang. */
    private static boolean greets(Path socket) {
        try (var connection = UnixSocket.connect(socket)) {
            return connection.receive(1, GREETS).data().length > 0;
        } catch (IOException e) {
            return false;
        }
    }
}
