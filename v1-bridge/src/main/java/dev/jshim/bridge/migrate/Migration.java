package dev.jshim.bridge.migrate;

import dev.jshim.bridge.BridgePaths;
import dev.jshim.node.Answer;
import dev.jshim.node.ContainerdClient;
import dev.jshim.node.ContainerdVersion;
import dev.jshim.node.NodePaths;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The migration of a node's running v1 containers to containerd 2.x. It only adds: a v2 bundle beside each v1 bundle,
 * and the bridge that answers for them. Of v1 nothing is moved, changed or restarted, so that what was added can be
 * taken away again. For one thread.
 */
public final class Migration {
    private final BridgePaths paths;
    private final Path address;
    private final Duration timeout;
    private final Path bridgeBinary;
    private final Consumer<String> progress;

    /**
     * A migration of one containerd's containers.
     *
     * @param containerdAddress its gRPC socket, whether it answers or not
     * @param timeout for each question to a shim or a daemon
     * @param bridgeBinary absolute path of {@code containerd-shim-v1-linux}: it is written into each bundle, where
     *     containerd looks for it as long as the container lives
     * @param progress told a line for each step, in the calling thread
     */
    public Migration(
            NodePaths paths, Path containerdAddress, Duration timeout, Path bridgeBinary, Consumer<String> progress) {
        this.paths = new BridgePaths(paths);
        this.address = containerdAddress;
        this.timeout = timeout;
        this.bridgeBinary = bridgeBinary;
        this.progress = progress;
    }

    /** What {@link #apply} would do to the containers of one namespace, or of all. Changes nothing. */
    public Plan plan(@Nullable String namespace) {
        try (var containerd = new ContainerdClient(address, timeout)) {
            return new Plan(new CandidateScan(paths.node(), containerd, timeout)
                    .scan(namespace).stream().map(Candidate::row).toList());
        }
    }

    /**
     * Adopts the v1 containers of one namespace, or of all. Can be repeated: it then adds what is new, and ends what
     * was left half done. The old containerd may run or not.
     *
     * @throws MigrationException where nothing could be adopted at all, and why
     */
    public Report apply(@Nullable String namespace) throws MigrationException {
        try (var containerd = new ContainerdClient(address, timeout)) {
            refuseNewDaemon(containerd, "it would not load what is added now: stop it, apply, and start it again");
            var candidates = new CandidateScan(paths.node(), containerd, timeout).scan(namespace);
            try (var _ = MigrationLock.take(home());
                    var journal = Journal.open(journal())) {
                return new Adoption(paths, journal, address, bridgeBinary, timeout, progress).adopt(candidates);
            }
        } catch (IOException e) {
            throw new MigrationException(String.valueOf(e.getMessage()), e);
        }
    }

    /** How the adoption stands. Changes nothing. */
    public Status status() {
        return new StatusSurvey(paths, timeout).survey();
    }

    /**
     * Takes away exactly what was added and ends the bridge. What is no longer there is no error.
     *
     * @throws MigrationException where nothing was done, and why
     */
    public Report rollback() throws MigrationException {
        try (var containerd = new ContainerdClient(address, timeout)) {
            refuseNewDaemon(containerd, "it would report each adopted container as exited: stop it first");
            try (var _ = MigrationLock.take(home())) {
                return new Rollback(paths, journal(), timeout, progress)
                        .run(containerd.version() instanceof Answer.Answered<ContainerdVersion>);
            }
        } catch (IOException e) {
            throw new MigrationException(String.valueOf(e.getMessage()), e);
        }
    }

    private void refuseNewDaemon(ContainerdClient containerd, String why) throws MigrationException {
        var version = containerd.version().orNull();
        if (version != null && version.major() >= 2) {
            throw new MigrationException("containerd " + version.version() + " answers on " + address + ", and " + why);
        }
    }

    private Path home() {
        return paths.node().root().resolve("jshim");
    }

    private Path journal() {
        return home().resolve("journal");
    }
}
