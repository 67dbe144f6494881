package dev.jshim.bridge.migrate;

import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.bridge.record.PrivateSocket;
import dev.jshim.bridge.serve.BridgeFlags;
import dev.jshim.linux.Deadline;
import dev.jshim.linux.MountPoint;
import dev.jshim.linux.OpenFiles;
import dev.jshim.linux.ProcessId;
import dev.jshim.linux.Processes;
import dev.jshim.node.shim.KeeperState;
import dev.jshim.proto.v2.bridge.ListResponse;
import dev.jshim.shim.keeper.Keeper;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Starts a bridge that outlives who started it: its own session, none of the caller's descriptors or cgroups. */
final class BridgeLauncher {
    private static final Duration START = Duration.ofSeconds(30);
    private static final Duration OTHER = Duration.ofSeconds(5);

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

    /** A new one reads what is adopted, and an old one is started again if that does not come up. */
    private static final Duration REPLACED = Duration.ofSeconds(60);

    private static final Duration LOOK = Duration.ofMillis(50);

    private static final Duration SOON = Duration.ofMillis(5);

    private final BridgePaths paths;
    private final BridgeFlags flags;
    private final Path tree;

    /** @param binary the bridge's program, in its tree */
    BridgeLauncher(BridgeFlags flags, Path binary) {
        this.paths = new BridgePaths(flags.paths());
        this.flags = flags;
        this.tree = binary.resolve("../..").normalize();
    }

    /** Has a bridge that runs replaced if it looks for containerd elsewhere than it would be started to. */
    void instruct(ListResponse running) throws IOException {
        if (!flags.equals(flags(running))) {
            var _ = replace(running.getPid(), flags);
        }
    }

    /** What a bridge was started with; what this one would be, of an older one that does not say. */
    private BridgeFlags flags(ListResponse running) {
        return running.getAddress().isEmpty()
                ? flags
                : BridgeFlags.of(flags.paths(), Path.of(running.getAddress()), Path.of(running.getTtrpcAddress()));
    }

    /**
     * Puts a bridge of this tree in the place of the one that runs, for the same containerd.
     *
     * @return the pid of the new one
     * @throws IOException if the one before, or none, serves after that
     */
    int replace(ListResponse running) throws IOException {
        return replace(running.getPid(), flags(running));
    }

    /** The keeper of the one before starts it. */
    private int replace(int before, BridgeFlags flags) throws IOException {
        requireProgram(BridgeFlags.program(tree));
        try (var bridge = BridgeClient.connect(paths, OTHER)) {
            bridge.replace(flags.command(tree));
        }
        if (!Deadline.in(REPLACED).await(LOOK, () -> serves(before))) {
            throw new IOException("no bridge serves after " + REPLACED.toSeconds() + " s, see " + paths.log());
        }
        return pid();
    }

    private boolean serves(int before) throws IOException {
        var state = KeeperState.read(paths.keeper());
        if (state == null || state.process().pid() == before || !state.isServing()) {
            return false;
        }
        if (state.hasFailed()) {
            throw new IOException(
                    "the new bridge did not come up, and the previous one serves again; see " + paths.log());
        }
        return true;
    }

    private int pid() throws IOException {
        try (var bridge = BridgeClient.connect(paths, OTHER)) {
            return bridge.list().getPid();
        }
    }

    private static void requireProgram(Path program) throws IOException {
        if (!Files.isExecutable(program)) {
            throw new IOException(
                    program + " does not exist or is not executable; run jshimctl from an installed tree");
        }
    }

    /** Starts a bridge and its keeper; answers the bridge's pid once it serves. */
    int start() throws IOException {
        requireProgram(BridgeFlags.program(tree));
        var keeper = tree.resolve(Keeper.PROGRAM);
        requireProgram(keeper);
        PrivateSocket.makeDirectory(paths.directory());
        List<String> command = new ArrayList<>(
                List.of("/bin/sh", "-c", SCRIPT, "sh", paths.log().toString()));
        command.add(keeper.toString());
        command.addAll(flags.keeperArguments(tree));
        var process = OpenFiles.start(
                new ProcessBuilder(command).directory(Path.of("/").toFile()).redirectErrorStream(true));
        process.getOutputStream().close();
        try (var out = process.inputReader(StandardCharsets.UTF_8)) {
            var pid = pid(reply(process, out));
            var _ = keeper();
            return pid;
        } catch (IOException e) {
            process.destroy();
            return alreadyThere(e);
        }
    }

    /**
     * The keeper that runs, which writes down that a bridge serves a moment after the bridge says so; null if there is
     * none.
     */
    @Nullable
    ProcessId keeper() throws IOException {
        var _ = Deadline.in(OTHER).await(LOOK, () -> KeeperState.living(paths.keeper()) != null);
        var state = KeeperState.living(paths.keeper());
        return state == null ? null : state.keeper();
    }

    /** Another one may have been quicker: a keeper's, after a crash. */
    private int alreadyThere(IOException why) throws IOException {
        var isThere = Deadline.in(OTHER).await(LOOK, () -> BridgeClient.ask(paths, OTHER) != null);
        var other = isThere ? BridgeClient.ask(paths, OTHER) : null;
        if (other == null) {
            throw why;
        }
        return other.getPid();
    }

    private String reply(Process process, BufferedReader out) throws IOException {
        if (!Deadline.in(START).await(SOON, () -> out.ready() || !process.isAlive())) {
            throw new IOException("the bridge did not start within " + START.toSeconds() + " s, see " + paths.log());
        }
        return out.ready() ? out.readLine() : "null";
    }

    private int pid(String reply) throws IOException {
        if (reply.startsWith("error ")) {
            throw new IOException("the bridge did not start: " + reply.substring("error ".length()));
        }
        try {
            return Integer.parseInt(reply.startsWith("ok ") ? reply.substring("ok ".length()) : "");
        } catch (NumberFormatException e) {
            throw new IOException("the bridge did not start (it answered \"" + reply + "\"), see " + paths.log(), e);
        }
    }

    /**
     * Moves a bridge and its keeper to the root of each cgroup hierarchy: the end of an SSH session, or of the unit
     * that apply ran in, would take them along otherwise.
     *
     * @return what could not be done, a sentence each
     */
    static List<String> leaveCgroups(int pid) {
        List<String> warnings = new ArrayList<>();
        var bridge = Processes.stat(pid);
        var pids = bridge == null || bridge.parent() <= 1 ? List.of(pid) : List.of(pid, bridge.parent());
        try {
            move(pids, mount -> "", warnings);
        } catch (IOException e) {
            warnings.add("the bridge is still in the caller's cgroup: " + e.getMessage());
        }
        return warnings.stream().distinct().toList();
    }

    /**
     * Moves processes to where this one is in each cgroup hierarchy, and lets the kernel spare them as it does this one
     * if memory is wanting: to the unit that is to look after them.
     *
     * @param pids of a bridge and of its keeper, which need not be its parent: one that died was replaced by its child
     * @return what could not be done, a sentence each
     */
    static List<String> joinUnit(List<Integer> pids) {
        List<String> warnings = new ArrayList<>();
        try {
            var score = Files.readString(oomScore("self"));
            for (var pid : pids) {
                Files.writeString(oomScore(pid.toString()), score);
            }
        } catch (IOException e) {
            warnings.add("cannot protect the bridge from the OOM killer: " + e.getMessage());
        }
        try {
            var lines = Files.readAllLines(Path.of("/proc/self/cgroup"));
            move(pids, mount -> own(lines, mount), warnings);
        } catch (IOException e) {
            warnings.add("the bridge is still in the cgroup that it was started in: " + e.getMessage());
        }
        return warnings.stream().distinct().toList();
    }

    private static Path oomScore(String pid) {
        return Path.of("/proc", pid, "oom_score_adj");
    }

    /** Where this process is in a hierarchy, whose mount is named after its controllers (cgroups(7)). */
    private static @Nullable String own(List<String> lines, MountPoint mount) {
        var name = String.valueOf(Path.of(mount.path()).getFileName());
        for (var line : lines) {
            var fields = line.split(":", 3);
            var isIt = mount.type().equals("cgroup2")
                    ? fields[1].isEmpty()
                    : fields[1].equals(name) || fields[1].equals("name=" + name);
            if (isIt) {
                return fields[2];
            }
        }
        return null;
    }

    /** @param where the cgroup in a hierarchy, below its mount; null for a hierarchy that is to be left alone */
    private static void move(List<Integer> pids, Function<MountPoint, @Nullable String> where, List<String> warnings)
            throws IOException {
        for (var mount : MountPoint.all()) {
            var isCgroup = mount.type().equals("cgroup") || mount.type().equals("cgroup2");
            var cgroup = isCgroup ? where.apply(mount) : null;
            if (cgroup != null) {
                var procs = Path.of(mount.path() + cgroup, "cgroup.procs");
                pids.forEach(pid -> move(pid, procs, warnings));
            }
        }
    }

    private static void move(int pid, Path procs, List<String> warnings) {
        try {
            Files.writeString(procs, Integer.toString(pid), StandardOpenOption.WRITE);
        } catch (IOException e) {
            warnings.add("the bridge is still in the cgroup that it was started in: " + procs + ": " + e.getMessage());
        }
    }
}
