package dev.jshim.bridge.migrate;

import dev.jshim.bridge.record.AdoptedNotes;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.bridge.serve.BridgeFlags;
import dev.jshim.node.NodePaths;
import dev.jshim.node.daemon.RootDaemon;
import dev.jshim.node.shim.KeeperState;
import dev.jshim.proto.v2.bridge.ListResponse;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The bridge of one containerd as a process that is started, looked at, replaced and ended. For one thread. */
public final class BridgeService {
    private final BridgePaths paths;
    private final Path address;
    private final Duration timeout;
    private final BridgeLauncher launcher;

    /**
     * The service of one containerd.
     *
     * @param containerdAddress its gRPC socket, whether it answers or not
     * @param ttrpcAddress its ttrpc socket, null for the one beside
     * @param timeout for each question
     * @param bridgeBinary absolute path of {@code containerd-shim-v1-linux}, of the version that is to run
     */
    public BridgeService(
            NodePaths paths, Path containerdAddress, @Nullable Path ttrpcAddress, Duration timeout, Path bridgeBinary) {
        this.paths = new BridgePaths(paths);
        this.address = containerdAddress;
        this.timeout = timeout;
        this.launcher = new BridgeLauncher(BridgeFlags.of(paths, containerdAddress, ttrpcAddress), bridgeBinary);
    }

    /**
     * How the bridge stands.
     *
     * @param pid 0 where no bridge answers
     * @param adopted how many containers it serves
     * @param connected how many of these have a client, as each has while containerd runs
     * @param keeper null if there is none, or it has written nothing down
     */
    public record State(
            int pid, int adopted, int connected, @Nullable KeeperState keeper) {
        public boolean isRunning() {
            return pid != 0;
        }
    }

    /**
     * What was done.
     *
     * @param pid of the bridge that runs now, or of the one that ran
     * @param changed whether there was anything to do
     * @param notes a sentence each
     */
    public record Done(int pid, boolean changed, List<String> notes) {
        public Done {
            notes = List.copyOf(notes);
        }
    }

    /** Asks the bridge; changes nothing. */
    public State state() {
        var list = BridgeClient.ask(paths, timeout);
        var keeper = KeeperState.living(paths.keeper());
        return list == null
                ? new State(0, 0, 0, keeper)
                : new State(
                        list.getPid(),
                        list.getAdoptedCount(),
                        list.getAdoptedCount() - alone(list).size(),
                        keeper);
    }

    private static List<TaskId> alone(ListResponse list) {
        return list.getAdoptedList().stream()
                .filter(adopted -> adopted.getClients() == 0)
                .map(BridgeClient::task)
                .toList();
    }

    /**
     * The adopted containers that a containerd 2.x which runs does not have, though the bridge serves them: keeper and
     * bridge have died together, and it has taken them for exited. It has them again when it is restarted; by then a
     * client may have made another one in the place of each. Empty if no bridge or no such containerd answers.
     */
    public List<TaskId> unseen() {
        var list = BridgeClient.ask(paths, timeout);
        if (list == null) {
            return List.of();
        }
        var alone = alone(list);
        try {
            return alone.isEmpty() || newDaemon() == null ? List.of() : alone;
        } catch (IOException e) {
            return List.of();
        }
    }

    /**
     * How many exits of adopted containers and their execs are noted and not yet published; asks nobody. An exit that
     * the v1 shim may be telling by itself waits here for some seconds.
     */
    public int unreported() {
        try {
            return AdoptedNotes.all(paths).stream()
                    .mapToInt(notes -> notes.held().size())
                    .sum();
        } catch (IOException e) {
            return 0; // no bridge has held one back
        }
    }

    /** That a containerd 2.x answers, and where; null if none does. */
    private @Nullable String newDaemon() throws IOException {
        var found = new RootDaemon(paths.node().root(), address, timeout).find();
        var version = found.version().orNull();
        return version == null || version.major() < 2
                ? null
                : "containerd " + version.version() + " answers on " + found.socket();
    }

    /** Asks each adopted bundle what containerd asks when it starts; changes nothing. */
    public BridgeVerification verify() {
        return new AdoptedSurvey(paths, timeout).answers();
    }

    /**
     * Starts the bridge, which serves what is adopted, and its keeper. That it runs already is no error.
     *
     * @param isKept whether it is to be in the caller's cgroup, as systemd wants it, also if it runs already, and the
     *     keeper's pid in a file, as systemd's main process; else it leaves that cgroup
     * @throws IOException if it does not come up, or if it is to be kept and has no keeper
     */
    public Done start(boolean isKept) throws IOException {
        var running = BridgeClient.running(paths, timeout);
        var pid = running == null ? launcher.start() : running.getPid();
        if (isKept) {
            return new Done(pid, running == null, joinUnit(pid, running == null));
        }
        return new Done(pid, running == null, running == null ? BridgeLauncher.leaveCgroups(pid) : List.of());
    }

    /** The two that were just started are in the unit as we are. */
    private List<String> joinUnit(int pid, boolean isNew) throws IOException {
        var keeper = launcher.keeper();
        if (keeper == null) {
            throw new IOException("the bridge, pid " + pid + ", has no keeper at the moment, see " + paths.log()
                    + "; it starts one every few seconds: start the unit again");
        }
        var notes = isNew ? List.<String>of() : BridgeLauncher.joinUnit(List.of(pid, keeper.pid()));
        Files.writeString(paths.keeperPid(), keeper.pid() + "\n");
        return notes;
    }

    /**
     * Puts a bridge of this version in the place of the one that runs. Who is connected does not notice.
     *
     * @throws IOException if no bridge runs, or the one before goes on because the new one did not come up
     */
    public Done replace() throws IOException {
        var running = BridgeClient.running(paths, timeout);
        if (running == null) {
            throw new IOException("no bridge runs");
        }
        return new Done(launcher.replace(running), true, List.of());
    }

    /**
     * Ends the bridge. Shims, containers and bundles stay; a bridge that starts serves them again. That none runs is no
     * error.
     *
     * @param force also where somebody is connected, who takes the end of the connection for the end of the container
     * @throws MigrationException where somebody is connected
     * @throws IOException where it does not end
     */
    public Done stop(boolean force) throws IOException, MigrationException {
        var running = BridgeClient.running(paths, timeout);
        if (running == null) {
            return new Done(0, false, List.of());
        }
        if (!force && running.getAdoptedCount() > 0) {
            refuseWatched();
        }
        return new Done(BridgeProcess.stop(paths, timeout), true, List.of());
    }

    private void refuseWatched() throws IOException, MigrationException {
        var is = "it would report each adopted container as exited: stop containerd first";
        var newDaemon = newDaemon();
        if (newDaemon != null) {
            throw new MigrationException(newDaemon + ", and " + is);
        }
        try (var bridge = BridgeClient.connect(paths, timeout)) {
            if (bridge.isWatched()) {
                throw new MigrationException("a containerd has the adopted containers loaded, and " + is);
            }
        }
    }
}
