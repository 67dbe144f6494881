package dev.jshim.bridge.migrate;

import dev.jshim.bridge.record.AdoptedNotes;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.bridge.record.PrivateSocket;
import dev.jshim.bridge.serve.BridgeFlags;
import dev.jshim.linux.Deadline;
import dev.jshim.linux.MountPoint;
import dev.jshim.linux.OpenFiles;
import dev.jshim.linux.ProcessId;
import dev.jshim.linux.Processes;
import dev.jshim.node.NodePaths;
import dev.jshim.node.daemon.RootDaemon;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.process.ProcessFacts;
import dev.jshim.node.shim.KeeperState;
import dev.jshim.proto.v2.bridge.ListResponse;
import dev.jshim.shim.keeper.Keeper;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The bridge of one containerd as a process that is started, looked at, replaced and ended. For one thread. */
public final class BridgeService {
    private static final Duration START = Duration.ofSeconds(30);
    private static final Duration KEEPER = Duration.ofSeconds(5);
    private static final Duration ENDING = Duration.ofSeconds(10);
    /** A new one reads what is adopted, and an old one is started again if that does not come up. */
    private static final Duration REPLACED = Duration.ofSeconds(60);

    private static final Duration LOOK = Duration.ofMillis(20);
    private static final Duration SOON = Duration.ofMillis(5);

    /**
     * $1 is the log, then comes the command. The bridge answers on descriptor 3, see StartReply. It stays our child
     * until we end: when a child ends the JDK closes its streams, whoever else still writes to them.
     *
     * <p>It is the last process of a node that may be killed for memory but containerd: where we may not say so it goes
     * without.
     */
    private static final String SCRIPT = """
            log=$1; shift
            echo -999 2>/dev/null >/proc/self/oom_score_adj
            exec setsid "$@" 3>&1 >/dev/null 2>>"$log" </dev/null
            """;

    private final BridgePaths paths;
    private final BridgeFlags flags;
    private final Duration timeout;
    private final Path tree;
    private final BridgeClient client;

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
        this.flags = BridgeFlags.of(paths, containerdAddress, ttrpcAddress);
        this.timeout = timeout;
        this.tree = bridgeBinary.resolve("../..").normalize();
        this.client = new BridgeClient(this.paths, timeout);
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

    BridgeClient client() {
        return client;
    }

    /** Asks the bridge; changes nothing. */
    public State state() {
        var list = client.ask();
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
        var list = client.ask();
        List<TaskId> alone = list == null ? List.of() : alone(list);
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
        var found = new RootDaemon(paths.node().root(), flags.address(), timeout).find();
        var version = found.version().orNull();
        return version == null || version.major() < 2
                ? null
                : "containerd " + version.version() + " answers on " + found.socket();
    }

    /** Asks each adopted bundle what containerd asks when it starts; changes nothing. */
    public Status verify() {
        return new AdoptedSurvey(client).ask(true, false);
    }

    /**
     * Starts the bridge, which serves what is adopted, and its keeper. That it runs already is no error.
     *
     * @param isKept whether it is to be in the caller's cgroup, as systemd wants it, also if it runs already, and the
     *     keeper's pid in a file, as systemd's main process; else one that is started leaves that cgroup
     * @throws IOException if it does not come up, or if it is to be kept and has no keeper
     */
    public Done start(boolean isKept) throws IOException {
        var running = client.running();
        var pid = running == null ? launch() : running.getPid();
        List<String> notes = new ArrayList<>();
        if (isKept || running == null) {
            // It writes down that a bridge serves a moment after the bridge says so.
            var _ = Deadline.in(KEEPER).await(LOOK, () -> KeeperState.living(paths.keeper()) != null);
            var keeper = KeeperState.living(paths.keeper());
            if (keeper == null && isKept) {
                throw new IOException("the bridge, pid " + pid + ", has no keeper at the moment, see " + paths.log()
                        + "; it starts one every few seconds: start the unit again");
            }
            var pids =
                    keeper == null ? List.of(pid) : List.of(pid, keeper.keeper().pid());
            if (!isKept) {
                // The end of an SSH session, or of the unit that apply ran in, would take them along.
                notes.addAll(move(pids, true));
            } else if (running != null) {
                notes.addAll(spare(pids));
                notes.addAll(move(pids, false));
            }
            if (keeper != null && isKept) {
                Files.writeString(paths.keeperPid(), keeper.keeper().pid() + "\n");
            }
        }
        return new Done(pid, running == null, notes);
    }

    /**
     * Starts one that outlives us: its own session, none of our descriptors.
     *
     * @return its pid, or that of another one that was quicker, as one of a keeper's may be after a crash
     */
    private int launch() throws IOException {
        var keeper = tree.resolve(Keeper.PROGRAM);
        requireProgram(BridgeFlags.program(tree));
        requireProgram(keeper);
        PrivateSocket.makeDirectory(paths.directory());
        List<String> command = new ArrayList<>(
                List.of("/bin/sh", "-c", SCRIPT, "sh", paths.log().toString(), keeper.toString()));
        command.addAll(flags.keeperArguments(tree));
        var process = OpenFiles.start(
                new ProcessBuilder(command).directory(Path.of("/").toFile()).redirectErrorStream(true));
        process.getOutputStream().close();
        try (var out = process.inputReader(StandardCharsets.UTF_8)) {
            if (!Deadline.in(START).await(SOON, () -> out.ready() || !process.isAlive())) {
                throw new IOException(
                        "the bridge did not start within " + START.toSeconds() + " s, see " + paths.log());
            }
            var reply = String.valueOf(out.ready() ? out.readLine() : null);
            if (!reply.matches("ok \\d{1,9}")) {
                throw new IOException(
                        reply.startsWith("error ")
                                ? "the bridge did not start: " + reply.substring("error ".length())
                                : "the bridge did not start (it answered \"" + reply + "\"), see " + paths.log());
            }
            return Integer.parseInt(reply.substring("ok ".length()));
        } catch (IOException e) {
            process.destroy();
            var other = client.ask();
            if (other == null) {
                throw e;
            }
            return other.getPid();
        }
    }

    private static void requireProgram(Path program) throws IOException {
        if (!Files.isExecutable(program)) {
            throw new IOException(
                    program + " does not exist or is not executable; run jshimctl from an installed tree");
        }
    }

    /** Lets the kernel spare processes as it does this one if memory is wanting; answers what could not be done. */
    private static List<String> spare(List<Integer> pids) {
        try {
            var score = Files.readString(Path.of("/proc/self/oom_score_adj"));
            for (var pid : pids) {
                Files.writeString(Path.of("/proc/" + pid + "/oom_score_adj"), score);
            }
            return List.of();
        } catch (IOException e) {
            return List.of("cannot protect the bridge from the OOM killer: " + e.getMessage());
        }
    }

    /**
     * Moves processes in each cgroup hierarchy to its root, or to where this one is; answers what could not be done.
     */
    private static Set<String> move(List<Integer> pids, boolean isToRoot) {
        Set<String> warnings = new LinkedHashSet<>();
        try {
            var own = Files.readAllLines(Path.of("/proc/self/cgroup"));
            for (var mount : MountPoint.all()) {
                var cgroup = !mount.type().startsWith("cgroup") ? null : isToRoot ? "" : own(own, mount);
                for (var pid : cgroup == null ? List.<Integer>of() : pids) {
                    var procs = Path.of(mount.path() + cgroup, "cgroup.procs");
                    try {
                        Files.writeString(procs, pid.toString(), StandardOpenOption.WRITE);
                    } catch (IOException e) {
                        warnings.add("the bridge is still in the cgroup that it was started in: " + procs + ": "
                                + e.getMessage());
                    }
                }
            }
        } catch (IOException e) {
            warnings.add("the bridge is still in the cgroup that it was started in: " + e.getMessage());
        }
        return warnings;
    }

    /** Where this process is in a hierarchy, whose mount is named after its controllers (cgroups(7)). */
    private static @Nullable String own(List<String> lines, MountPoint mount) {
        var name = mount.type().equals("cgroup2")
                ? ""
                : String.valueOf(Path.of(mount.path()).getFileName());
        return lines.stream()
                .map(line -> line.split(":", 3))
                .filter(fields -> fields[1].equals(name) || fields[1].equals("name=" + name))
                .map(fields -> fields[2])
                .findFirst()
                .orElse(null);
    }

    /** Has the bridge that runs replaced if it looks for containerd elsewhere than ours would; answers with its pid. */
    int instruct() throws IOException {
        var running = required();
        return flags.equals(flags(running)) ? running.getPid() : replace(running, flags);
    }

    /**
     * Puts a bridge of this version in the place of the one that runs, for the same containerd. Who is connected does
     * not notice.
     *
     * @throws IOException if no bridge runs, or the one before goes on because the new one did not come up
     */
    public Done replace() throws IOException {
        var running = required();
        return new Done(replace(running, flags(running)), true, List.of());
    }

    private ListResponse required() throws IOException {
        var running = client.running();
        if (running == null) {
            throw new IOException("no bridge runs");
        }
        return running;
    }

    /** What a bridge was started with. */
    private BridgeFlags flags(ListResponse running) {
        return running.getAddress().isEmpty()
                ? flags // One of an older version does not say.
                : BridgeFlags.of(paths.node(), Path.of(running.getAddress()), Path.of(running.getTtrpcAddress()));
    }

    /** The keeper of the one before starts it. */
    private int replace(ListResponse before, BridgeFlags with) throws IOException {
        requireProgram(BridgeFlags.program(tree));
        client.replace(with.command(tree));
        var hasCome = Deadline.in(REPLACED).await(LOOK, () -> {
            var state = KeeperState.read(paths.keeper());
            if (state == null || state.process().pid() == before.getPid() || !state.isServing()) {
                return false;
            }
            if (state.hasFailed()) {
                throw new IOException(
                        "the new bridge did not come up, and the previous one serves again; see " + paths.log());
            }
            return true;
        });
        if (!hasCome) {
            throw new IOException("no bridge serves after " + REPLACED.toSeconds() + " s, see " + paths.log());
        }
        return required().getPid();
    }

    /**
     * Ends the bridge. Shims, containers and bundles stay; a bridge that starts serves them again. That none runs is no
     * error.
     *
     * @param force also where somebody is connected, who takes the end of the connection for the end of the container
     * @throws MigrationException if somebody is connected
     * @throws IOException if it does not end
     */
    public Done stop(boolean force) throws IOException {
        var running = client.running();
        if (running != null && !force && running.getAdoptedCount() > 0) {
            var newDaemon = newDaemon();
            if (newDaemon != null || client.isWatched()) {
                throw new MigrationException(
                        (newDaemon == null ? "a containerd has the adopted containers loaded" : newDaemon)
                                + ", and it would report each adopted container as exited: stop containerd first");
            }
        }
        return new Done(stop(), running != null, List.of());
    }

    /**
     * Ends the bridge and its keeper, and waits until both have; answers with the bridge's pid, 0 if there was none.
     */
    int stop() throws IOException {
        var running = client.living();
        if (running == null) {
            return 0;
        }
        var pid = running.getPid();
        List<ProcessId> both = new ArrayList<>();
        var bridge = ProcessId.find(pid);
        if (bridge != null && pid != ProcessHandle.current().pid()) {
            both.add(bridge);
        }
        var keeper = KeeperState.living(paths.keeper());
        if (keeper != null) {
            both.add(keeper.keeper());
        }
        client.stop();
        if (!Deadline.in(ENDING).await(LOOK, () -> both.stream().noneMatch(ProcessId::isAlive))) {
            throw new IOException(
                    "the bridge, pid " + pid + ", did not exit; see " + paths.log() + ", end it by its pid, and retry");
        }
        return pid;
    }

    /**
     * As {@link #stop()}, and nothing is left that would become a bridge a moment later: a keeper, or a JVM that has
     * just been started, by a keeper or by a command that was killed meanwhile. It would serve nobody, and leave files.
     *
     * @throws IOException if one does not end
     */
    void stopForGood() throws IOException {
        stop();
        var isDone = Deadline.in(ENDING).await(LOOK, () -> {
            var left = left();
            for (var process : left) {
                process.signal(Processes.SIGTERM);
            }
            return left.isEmpty();
        });
        if (!isDone) {
            throw new IOException("a process that starts the bridge did not exit, pid "
                    + left().stream().map(ProcessId::pid).toList() + "; end it, then retry");
        }
    }

    /**
     * What was started as we do, for these very directories: a containerd in a container has some of the same names.
     */
    private Set<ProcessId> left() {
        var node = paths.node();
        var words = List.of(
                "bridge",
                "-root",
                node.root().toString(),
                "-state",
                node.state().toString());
        var proc = ProcFs.system();
        Set<ProcessId> left = new LinkedHashSet<>();
        proc.all().stream()
                .filter(process -> !process.hasEnded()
                        && process.pid() != ProcessHandle.current().pid()
                        && Collections.indexOfSubList(process.argv(), words) > 0
                        && !proc.isElsewhere(process.pid())
                        && Place.isSame(Path.of("/proc/" + process.pid() + "/root" + node.state()), node.state()))
                .map(ProcessFacts::ref)
                .forEach(left::add);
        // One that has replaced itself says no more what it was started with.
        var keeper = KeeperState.living(paths.keeper());
        if (keeper != null) {
            left.add(keeper.keeper());
        }
        return left;
    }
}
