package dev.jshim.bridge.migrate;

import dev.jshim.bridge.journal.Journal;
import dev.jshim.bridge.journal.JournalEntry;
import dev.jshim.bridge.journal.JournalEntry.Step;
import dev.jshim.bridge.journal.OldRuntime;
import dev.jshim.bridge.record.AdoptedBundle;
import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.node.Answer;
import dev.jshim.node.NodePaths;
import dev.jshim.node.daemon.ContainerdClient;
import dev.jshim.node.daemon.ContainerdVersion;
import dev.jshim.node.daemon.DaemonConfig;
import dev.jshim.node.daemon.RootDaemon;
import dev.jshim.node.leftover.StrayScan;
import dev.jshim.node.survey.Node;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The migration of a node's running v1 containers to containerd 2.x. It only adds: a v2 bundle beside each v1 bundle,
 * and the bridge that answers for them. Of v1 nothing is moved, changed or restarted, so that what was added can be
 * taken away again. For one thread.
 */
public final class Migration {
    private static final Path SYSTEMD = Path.of("/etc/systemd/system");
    private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

    private final BridgePaths paths;
    private final RootDaemon rootDaemon;
    private final DaemonConfig daemon;
    private final Duration timeout;
    private final Path bridgeBinary;
    private final BridgeService bridge;
    private final Preflight preflight;
    private final Path home;
    private final Path journal;
    private final Progress progress;
    private boolean isLocked;

    /**
     * A migration of one containerd's containers.
     *
     * @param containerdAddress its gRPC socket, as far as anybody says: the bridge is told of it. Who runs is found by
     *     the root directory
     * @param daemon what the old containerd was told, see {@link OldDaemon#find(Path)}
     * @param timeout for each question to a shim or a daemon
     * @param bridgeBinary absolute path of {@code containerd-shim-v1-linux}: it is written into each bundle, where
     *     containerd looks for it as long as the container lives
     * @param progress told of each step
     */
    public Migration(
            NodePaths paths,
            Path containerdAddress,
            DaemonConfig daemon,
            Duration timeout,
            Path bridgeBinary,
            Progress progress) {
        this.paths = new BridgePaths(paths);
        this.rootDaemon = new RootDaemon(paths.root(), containerdAddress, timeout);
        this.daemon = daemon;
        this.timeout = timeout;
        this.bridgeBinary = bridgeBinary;
        this.bridge = new BridgeService(paths, containerdAddress, daemon.ttrpcSocket(), timeout, bridgeBinary);
        this.preflight = new Preflight(paths, containerdAddress);
        this.home = paths.root().resolve("jshim");
        this.journal = Journal.file(paths.root());
        this.progress = progress;
    }

    /**
     * What {@link #apply(String, boolean)} would do to the containers of one namespace, or of all. Changes nothing.
     *
     * @throws MigrationException where the journal of an earlier adoption is damaged
     */
    public Plan plan(@Nullable String namespace) throws MigrationException {
        try (var containerd = running().client(timeout)) {
            var rows = candidates(containerd, namespace);
            var found = StrayScan.of(Node.read(paths.node()));
            return new Plan(
                    rows,
                    preflight.problems(shims(rows)),
                    found.strays().stream()
                            .filter(stray -> namespace == null
                                    || stray.task().namespace().equals(namespace))
                            .toList(),
                    found.others());
        }
    }

    /**
     * Adopts the v1 containers of one namespace, or of all. Can be repeated: it then adds what is new, ends what was
     * left half done, and drops what was deleted. The old containerd may run or not.
     *
     * @param rebuildJournal whether to put a journal that cannot be read aside
     * @throws MigrationException where nothing could be adopted at all, and why
     */
    public Report apply(@Nullable String namespace, boolean rebuildJournal) throws MigrationException {
        return apply(namespace, rebuildJournal, Set.of());
    }

    /** The same for all but some. */
    Report apply(@Nullable String namespace, boolean rebuildJournal, Set<TaskId> but) throws MigrationException {
        var running = running();
        refuseNew(
                running,
                "it would not load what is added now: stop it, apply, and start it again; if it has already lost"
                        + " v1 containers, use rescue");
        refuseRival(running);
        refuse(preflight.resources());
        return locked(() -> {
            var entries = entries(rebuildJournal);
            Place.require(paths.node(), entries);
            try (var containerd = running.client(timeout);
                    var open = Journal.open(journal)) {
                open.add(began("apply"));
                var old = OldDaemon.entry(daemon, entries);
                if (!old.equals(OldRuntime.daemon(entries))) {
                    open.add(old);
                }
                var adoption = new Adoption(paths.node(), open, bridge, bridgeBinary, timeout, progress);
                var rows = new ArrayList<>(adoption.sweep(entries));
                var candidates = new CandidateScan(paths.node(), containerd, old, timeout)
                        .scan(namespace).stream()
                                .filter(candidate -> !but.contains(candidate.task()))
                                .toList();
                refuse(preflight.ends(shims(candidates)));
                // One that is mute runs.
                var report = adoption.adopt(candidates, !(containerd.version() instanceof Answer.Absent<?>));
                rows.addAll(report.rows());
                return Report.of(rows, report.nextSteps());
            }
        });
    }

    /** All v1 containers of one namespace, or of all, with what the journal knows of the old daemon. */
    private List<Candidate> candidates(ContainerdClient containerd, @Nullable String namespace)
            throws MigrationException {
        return reported(() -> {
            var old = OldDaemon.entry(daemon, Journal.read(journal));
            return new CandidateScan(paths.node(), containerd, old, timeout).scan(namespace);
        });
    }

    private static List<Integer> shims(List<Candidate> candidates) {
        return candidates.stream()
                .map(Candidate::shimPid)
                .filter(pid -> pid > 0)
                .toList();
    }

    private static void refuse(List<String> problems) throws MigrationException {
        if (!problems.isEmpty()) {
            throw new MigrationException(String.join("; ", problems) + "; nothing was changed");
        }
    }

    /**
     * Adopts all, exchanges containerd and verifies it; and takes all back where that does not go well.
     *
     * @param rebuildJournal whether to put a journal that cannot be read aside
     * @throws MigrationException where it could not be done; its message says how things stand
     */
    public Report restart(RestartCommands commands, boolean rebuildJournal) throws MigrationException {
        refuse(preflight.resources());
        return locked(() -> {
            var _ = entries(rebuildJournal);
            return new Restart(this, commands, rootDaemon, progress).run();
        });
    }

    /**
     * What {@link #rescue} would do for the v1 containers that a containerd 2.x has lost: {@code adopt}, with what each
     * has lost, {@code repair} where a rescue was interrupted, or {@code beyond}. Says most while that containerd runs.
     * Changes nothing.
     *
     * @throws MigrationException where a containerd answers that has the v1 runtime, or the journal is damaged
     */
    public Report rescuePlan() throws MigrationException {
        var running = running();
        refuseOld(running);
        try (var containerd = running.client(timeout)) {
            var rows = new RescueSurvey(paths.node(), containerd).rows(candidates(containerd, null));
            return new Report(
                    rows, List.of(), rows.stream().noneMatch(row -> row.result().equals(RescueSurvey.BEYOND)));
        }
    }

    /**
     * Brings lost v1 containers back under containerd 2.x: stops it, adopts all but what is beyond rescue, repairs what
     * CRI has on record of them, starts it and verifies. Can be repeated.
     *
     * @param commands of which stop and start are used
     * @param rebuildJournal whether to put a journal that cannot be read aside
     * @throws MigrationException where it could not be done; its message says how things stand
     */
    public Report rescue(RestartCommands commands, boolean rebuildJournal) throws MigrationException {
        var running = running();
        refuseOld(running);
        refuseRival(running);
        return locked(() -> {
            Place.require(paths.node(), entries(rebuildJournal));
            var plan = rescuePlan();
            if (plan.rows().isEmpty() && !isLeftStopped()) {
                if (!Files.exists(journal)) {
                    Finish.removeHome(journal);
                }
                return plan;
            }
            // What would end shims, or leave containerd stopped, is found out before it is.
            refuse(plan(null).problems());
            return new Restart(this, commands, rootDaemon, progress)
                    .rescue(plan, paths.node(), home.resolve(Restart.BACKUPS));
        });
    }

    /** Whether a rescue was interrupted before it started containerd again. */
    private boolean isLeftStopped() throws MigrationException {
        return running().version() instanceof Answer.Absent
                && !AdoptedBundle.all(Node.read(paths.node())).isEmpty();
    }

    /**
     * Whether a containerd 2.x has, or would find, all containers that live: a row for each, with the result {@code ok}
     * or what is wrong, and what is wrong with the node as a whole as the next steps. Changes nothing.
     *
     * @throws MigrationException where the journal of the adoption is damaged
     */
    public Report verify(@Nullable String namespace) throws MigrationException {
        var running = running();
        try (var containerd = running.client(timeout)) {
            var version = running.version().orNull();
            return new AdoptedSurvey(bridge.client())
                    .verify(candidates(containerd, namespace), version != null && version.major() >= 2);
        }
    }

    /**
     * What is in the way of {@link #finish}: a row for each container; none means that it may be done. The next steps
     * are what goes, and what of containerd's configuration is of no use any more. Changes nothing.
     *
     * @throws MigrationException where that cannot be told, and why
     */
    public Report finishPlan() throws MigrationException {
        return reported(() -> {
            Place.require(paths.node(), Journal.readable(journal));
            return finishing().plan();
        });
    }

    /**
     * Takes the bridge, our files of systemd and the journal away when no v1 container is left. Of containerd's
     * configuration it says what is of no use any more, and changes nothing.
     *
     * @throws MigrationException where it could not be done, and why; it can be repeated
     */
    public Report finish() throws MigrationException {
        return locked(() -> {
            Place.require(paths.node(), Journal.readable(journal));
            return finishing().run();
        });
    }

    private Finish finishing() {
        return new Finish(paths, journal, bridge, SYSTEMD, daemon.files(), progress);
    }

    /** How the adoption stands. Changes nothing. */
    public Status status() {
        return new AdoptedSurvey(bridge.client()).status();
    }

    /**
     * What {@link #rollback} would do. Changes nothing.
     *
     * @throws MigrationException where that cannot be told, and why
     */
    public Report rollbackPlan() throws MigrationException {
        return reported(() -> {
            Place.require(paths.node(), Journal.read(journal));
            return rolling().plan();
        });
    }

    /**
     * Takes away exactly what was added and ends the bridge. What is no longer there is no error.
     *
     * @param rebuildJournal whether to put a journal that cannot be read aside
     * @throws MigrationException where nothing was done, and why
     */
    public Report rollback(boolean rebuildJournal) throws MigrationException {
        refuseNew(running(), "it would report each adopted container as exited: stop it first");
        return locked(() -> {
            Place.require(paths.node(), entries(rebuildJournal));
            return rolling().run();
        });
    }

    private Rollback rolling() {
        return new Rollback(paths, journal, bridge, timeout, progress);
    }

    /** What may fail as the files and sockets of a node do. */
    @FunctionalInterface
    private interface Work<T> {
        T run() throws IOException;
    }

    /**
     * Works under the migration's lock, for a whole command: what it consists of takes part in it. A rollback on the
     * way removes the lock with all the rest; what comes after it is only the old containerd's start.
     */
    private Report locked(Work<Report> work) throws MigrationException {
        return reported(() -> {
            if (isLocked) {
                return work.run();
            }
            try (var _ = MigrationLock.take(home)) {
                isLocked = true;
                return work.run();
            } finally {
                isLocked = false;
            }
        });
    }

    /** The containerd of this root, asked for its version. */
    private RootDaemon.Found running() throws MigrationException {
        return reported(rootDaemon::find);
    }

    /** What fails is reported with what the disks may have to do with it. */
    private <T> T reported(Work<T> work) throws MigrationException {
        try {
            return work.run();
        } catch (MigrationException e) {
            throw e;
        } catch (IOException e) {
            throw new MigrationException(
                    Preflight.reason(e, paths.node().root(), paths.node().state(), home), e);
        }
    }

    /**
     * Refuses a 2.x; and one that says nothing, or no version: it may be a 2.x that hangs or is about to start.
     *
     * @param why it is in the way
     */
    private void refuseNew(RootDaemon.Found running, String why) throws MigrationException {
        switch (running.version()) {
            case Answer.Answered<ContainerdVersion>(var version, var _) -> {
                if (version.major() != 1) {
                    throw new MigrationException("containerd " + version.version() + " answers on " + running.socket()
                            + ", and " + (version.major() == 0 ? "if that is a 2.x, " : "") + why);
                }
            }
            case Answer.Mute<ContainerdVersion> _, Answer.Refused<ContainerdVersion> _ -> {
                var who = running.holder().isEmpty()
                        ? "a daemon listens on " + running.socket()
                        : running.holder() + " has the metadata in "
                                + paths.node().root() + " open, as containerd would,";
                throw new MigrationException(who + " but does not report its version: if it is containerd 2.x, " + why);
            }
            case Answer.Absent<ContainerdVersion> _ -> {}
        }
    }

    /** Refuses one that has the v1 runtime. */
    private static void refuseOld(RootDaemon.Found running) throws MigrationException {
        var version = running.version().orNull();
        if (version != null && version.major() < 2) {
            throw new MigrationException("containerd " + version.version() + " answers on " + running.socket()
                    + ", which has the v1 runtime itself, so nothing is lost: use apply");
        }
    }

    /** Refuses one of another root, to which the bridge would send its events. */
    private void refuseRival(RootDaemon.Found running) throws MigrationException {
        if (!running.rival().isEmpty()) {
            throw new MigrationException(running.rival() + ": name the socket of the containerd with the root "
                    + paths.node().root() + "; nothing was changed");
        }
    }

    /** The journal's entries; where it cannot be read, those of a new one that is made from it and the bundles. */
    private List<JournalEntry> entries(boolean rebuild) throws IOException {
        if (rebuild && Journal.isDamaged(journal)) {
            // Of containers that have ended by now nothing else knows which runtime they had.
            List<JournalEntry> entries = new ArrayList<>(Journal.readable(journal));
            entries.add(began("rebuild"));
            for (var bundle : AdoptedBundle.all(Node.read(paths.node()))) {
                var task = bundle.task();
                // Without its text, should that be damaged: a rollback takes the bundle away all the same.
                var record = AdoptedRecord.readable(bundle.path());
                var text = record == null ? "" : record.text();
                entries.add(JournalEntry.of(Step.ADOPT, task, text));
                entries.add(JournalEntry.of(Step.ADOPTED, task));
            }
            progress.line("the unreadable journal is now " + Journal.replace(journal, entries));
        }
        return Journal.read(journal);
    }

    private static JournalEntry began(String command) {
        var boot = "";
        try {
            boot = Files.readString(BOOT_ID).strip();
        } catch (IOException e) {
            boot = "unknown";
        }
        return JournalEntry.of(Step.BEGAN, command, boot);
    }
}
