package dev.jshim.bridge.migrate;

import dev.jshim.bridge.BridgePaths;
import dev.jshim.node.Answer;
import dev.jshim.node.ContainerdClient;
import dev.jshim.node.ContainerdVersion;
import dev.jshim.node.DaemonConfig;
import dev.jshim.node.Node;
import dev.jshim.node.NodePaths;
import dev.jshim.node.StrayScan;
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
    private final DaemonConfig daemon;
    private final Duration timeout;
    private final Path bridgeBinary;
    private final Consumer<String> progress;

    /**
     * A migration of one containerd's containers.
     *
     * @param containerdAddress its gRPC socket, whether it answers or not
     * @param daemon what the old containerd was told, see {@link #daemonConfig}
     * @param timeout for each question to a shim or a daemon
     * @param bridgeBinary absolute path of {@code containerd-shim-v1-linux}: it is written into each bundle, where
     *     containerd looks for it as long as the container lives
     * @param progress told a line for each step, in the calling thread
     */
    public Migration(
            NodePaths paths,
            Path containerdAddress,
            DaemonConfig daemon,
            Duration timeout,
            Path bridgeBinary,
            Consumer<String> progress) {
        this.paths = new BridgePaths(paths);
        this.address = containerdAddress;
        this.daemon = daemon;
        this.timeout = timeout;
        this.bridgeBinary = bridgeBinary;
        this.progress = progress;
    }

    /**
     * Finds out what the containerd of these directories was told: by the named file, else by the one that the running
     * daemon reads, else by the default file where that is for these directories; the defaults where there is none.
     *
     * @param file null for none
     * @throws MigrationException for a file that is broken, or named and not there
     */
    public static DaemonConfig daemonConfig(NodePaths paths, @Nullable Path file) throws MigrationException {
        try {
            return new OldDaemon(paths).find(file);
        } catch (IOException e) {
            throw new MigrationException(String.valueOf(e.getMessage()), e);
        }
    }

    /**
     * What {@link #apply} would do to the containers of one namespace, or of all. Changes nothing.
     *
     * @throws MigrationException where the journal of an earlier adoption is damaged
     */
    public Plan plan(@Nullable String namespace) throws MigrationException {
        try (var containerd = new ContainerdClient(address, timeout)) {
            var old = OldDaemon.entry(daemon, Journal.read(journal()));
            var candidates = new CandidateScan(paths.node(), containerd, old, timeout).scan(namespace);
            var found = StrayScan.of(Node.read(paths.node()));
            return new Plan(
                    candidates.stream().map(Candidate::row).toList(),
                    found.strays().stream()
                            .filter(stray -> namespace == null
                                    || stray.task().namespace().equals(namespace))
                            .toList(),
                    found.others());
        } catch (IOException e) {
            throw new MigrationException(String.valueOf(e.getMessage()), e);
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
            try (var _ = MigrationLock.take(home());
                    var journal = Journal.open(journal())) {
                var old = OldDaemon.entry(daemon, journal.entries());
                if (!old.equals(OldRuntime.daemon(journal.entries()))) {
                    journal.add(old);
                }
                var candidates = new CandidateScan(paths.node(), containerd, old, timeout).scan(namespace);
                var launcher = new BridgeLauncher(paths, address, daemon.ttrpcSocket(), bridgeBinary);
                return new Adoption(paths, journal, launcher, bridgeBinary, timeout, progress).adopt(candidates);
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
        return journal(paths.node().root());
    }

    /** Where the journal of a containerd with this root lies. */
    static Path journal(Path root) {
        return root.resolve("jshim").resolve("journal");
    }
}
