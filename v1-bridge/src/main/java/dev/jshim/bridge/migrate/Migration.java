package dev.jshim.bridge.migrate;

import dev.jshim.bridge.AddedBundle;
import dev.jshim.bridge.BridgePaths;
import dev.jshim.bridge.LegacyRecord;
import dev.jshim.node.Answer;
import dev.jshim.node.ContainerdClient;
import dev.jshim.node.ContainerdVersion;
import dev.jshim.node.DaemonConfig;
import dev.jshim.node.Node;
import dev.jshim.node.NodePaths;
import dev.jshim.node.StrayScan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The migration of a node's running v1 containers to containerd 2.x. It only adds: a v2 bundle beside each v1 bundle,
 * and the bridge that answers for them. Of v1 nothing is moved, changed or restarted, so that what was added can be
 * taken away again. For one thread.
 */
public final class Migration {
    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

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

    /** {@link #apply(String, boolean)} with the journal as it is. */
    public Report apply(@Nullable String namespace) throws MigrationException {
        return apply(namespace, false);
    }

    /**
     * Adopts the v1 containers of one namespace, or of all. Can be repeated: it then adds what is new, ends what was
     * left half done, and drops what was deleted. The old containerd may run or not.
     *
     * @param rebuildJournal whether to put a journal that cannot be read aside
     * @throws MigrationException where nothing could be adopted at all, and why
     */
    public Report apply(@Nullable String namespace, boolean rebuildJournal) throws MigrationException {
        try (var containerd = new ContainerdClient(address, timeout)) {
            refuseNewDaemon(containerd, "it would not load what is added now: stop it, apply, and start it again");
            try (var _ = MigrationLock.take(home())) {
                var entries = entries(rebuildJournal);
                try (var journal = Journal.open(journal())) {
                    journal.add(began("apply"));
                    var old = OldDaemon.entry(daemon, entries);
                    if (!old.equals(OldRuntime.daemon(entries))) {
                        journal.add(old);
                    }
                    var rows = new ArrayList<>(new Ghosts(paths, timeout).sweep(journal, entries));
                    var candidates = new CandidateScan(paths.node(), containerd, old, timeout).scan(namespace);
                    var launcher = new BridgeLauncher(paths, address, daemon.ttrpcSocket(), bridgeBinary);
                    var report =
                            new Adoption(paths, journal, launcher, bridgeBinary, timeout, progress).adopt(candidates);
                    rows.addAll(report.rows());
                    return new Report(
                            rows,
                            report.nextSteps(),
                            report.complete() && rows.stream().noneMatch(ReportRow::isRefused));
                }
            }
        } catch (IOException e) {
            throw failed(e);
        }
    }

    /** How the adoption stands. Changes nothing. */
    public Status status() {
        return new StatusSurvey(paths, timeout).survey();
    }

    /**
     * What {@link #rollback()} would do. Changes nothing.
     *
     * @throws MigrationException where that cannot be told, and why
     */
    public Report rollbackPlan() throws MigrationException {
        try {
            return rollbackWork().plan();
        } catch (IOException e) {
            throw failed(e);
        }
    }

    /** {@link #rollback(boolean)} with the journal as it is. */
    public Report rollback() throws MigrationException {
        return rollback(false);
    }

    /**
     * Takes away exactly what was added and ends the bridge. What is no longer there is no error.
     *
     * @param rebuildJournal whether to put a journal that cannot be read aside
     * @throws MigrationException where nothing was done, and why
     */
    public Report rollback(boolean rebuildJournal) throws MigrationException {
        try (var containerd = new ContainerdClient(address, timeout)) {
            refuseNewDaemon(containerd, "it would report each adopted container as exited: stop it first");
            try (var _ = MigrationLock.take(home())) {
                var _ = entries(rebuildJournal);
                return rollbackWork().run();
            }
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private Rollback rollbackWork() {
        return new Rollback(paths, journal(), timeout, progress);
    }

    /** A daemon that listens and says nothing may be a 2.x that hangs or is about to start: it is taken for one. */
    private void refuseNewDaemon(ContainerdClient containerd, String why) throws MigrationException {
        switch (containerd.version()) {
            case Answer.Answered<ContainerdVersion>(var version, var _) -> {
                if (version.major() >= 2) {
                    throw new MigrationException(
                            "containerd " + version.version() + " answers on " + address + ", and " + why);
                }
            }
            case Answer.Mute<ContainerdVersion> _, Answer.Refused<ContainerdVersion> _ ->
                throw new MigrationException("a daemon listens on " + address + " but does not say what it is: if it"
                        + " is a containerd 2.x, " + why);
            case Answer.Absent<ContainerdVersion> _ -> {}
        }
    }

    private static MigrationException failed(IOException e) {
        return new MigrationException(String.valueOf(e.getMessage()), e);
    }

    /** The journal's entries; where it was put aside, those of a new one that was made from the bundles. */
    private List<JournalEntry> entries(boolean rebuild) throws IOException {
        var aside = rebuild ? Journal.putAside(journal()) : null;
        if (aside != null) {
            progress.accept("the journal that cannot be read is now " + aside);
            try (var journal = Journal.open(journal())) {
                journal.add(began("rebuild"));
                for (var bundle : Node.read(paths.node()).v2()) {
                    if (AddedBundle.isOurs(bundle.path())) {
                        var task = bundle.task();
                        var text = Files.readString(bundle.path().resolve(LegacyRecord.FILE));
                        journal.add(new JournalEntry.Adopt(task.namespace(), task.id(), text));
                        journal.add(new JournalEntry.Adopted(task.namespace(), task.id()));
                    }
                }
            }
        }
        return Journal.read(journal());
    }

    private static JournalEntry began(String command) {
        var boot = "";
        try {
            boot = Files.readString(BOOT_ID).strip();
        } catch (IOException e) {
            boot = "unknown";
        }
        return new JournalEntry.Began(command, boot);
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
