package dev.jshim.bridge.migrate;

import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.linux.Deadline;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.ProcessId;
import dev.jshim.linux.Processes;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.process.ProcessFacts;
import dev.jshim.node.shim.KeeperState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * The process of a bridge: whether it lives, by the lock that it holds as long as it does, since a pid in a file says
 * nothing after a crash, and its end. What it served goes on without it.
 */
final class BridgeProcess {
    private static final Duration ENDING = Duration.ofSeconds(10);

    private static final Duration LOOK = Duration.ofMillis(20);

    private BridgeProcess() {}

    /**
     * A bridge that dies again and again is away for a while: another one beside it would take its sockets.
     *
     * @param why it could not be asked
     * @throws IOException if its keeper lives, and so starts it again
     */
    static void refuseKept(BridgePaths paths, IOException why) throws IOException {
        var keeper = KeeperState.living(paths.keeper());
        if (keeper != null) {
            throw new IOException(
                    "the bridge does not answer (" + why.getMessage() + "); its keeper, pid "
                            + keeper.keeper().pid() + ", starts it again if it dies: see " + paths.log()
                            + ", then retry",
                    why);
        }
    }

    static boolean isAlive(BridgePaths paths) throws IOException {
        return Files.isDirectory(paths.directory()) && FileCalls.isFlocked(paths.directory());
    }

    /**
     * A bridge that cannot be asked may still serve: its bundles must not vanish under it.
     *
     * @param why it could not be asked
     */
    static void refuseAlive(BridgePaths paths, IOException why) throws IOException {
        // One that is about to end closes its socket first, and has its lock a moment longer.
        if (!Deadline.in(ENDING).await(LOOK, () -> !isAlive(paths))) {
            throw new IOException(
                    "the running bridge (it has locked " + paths.directory() + ") did not respond: " + why.getMessage()
                            + "; see " + paths.log() + ", kill the process that has locked it, then retry",
                    why);
        }
    }

    /**
     * Ends the bridge and its keeper, if there is one.
     *
     * @return the bridge's pid; 0 if there was none
     * @throws IOException if it does not end
     */
    static int stop(BridgePaths paths, Duration timeout) throws IOException {
        int pid;
        ProcessId bridge;
        KeeperState keeper;
        try (var client = BridgeClient.connect(paths, timeout)) {
            pid = client.list().getPid();
            bridge = pid == ProcessHandle.current().pid() ? null : ProcessId.find(pid);
            keeper = KeeperState.living(paths.keeper());
            client.stop();
        } catch (IOException e) {
            refuseAlive(paths, e);
            return 0;
        }
        var hasEnded = Deadline.in(ENDING)
                .await(
                        LOOK,
                        () -> (bridge == null || !bridge.isAlive())
                                && (keeper == null || !keeper.keeper().isAlive()));
        if (!hasEnded) {
            throw new IOException(
                    "the bridge, pid " + pid + ", did not exit; see " + paths.log() + ", end it by its pid, and retry");
        }
        return pid;
    }

    /**
     * As {@link #stop}, and nothing is left that would become a bridge a moment later: a keeper, or a JVM that has just
     * been started, by a keeper or by a command that was killed meanwhile. It would serve nobody, and leave files.
     *
     * @throws IOException if one does not end
     */
    static void stopForGood(BridgePaths paths, Duration timeout) throws IOException {
        stop(paths, timeout);
        var isDone = Deadline.in(ENDING).await(LOOK, () -> {
            for (var process : left(paths)) {
                process.signal(Processes.SIGTERM);
            }
            return left(paths).isEmpty();
        });
        if (!isDone) {
            var left = left(paths);
            throw new IOException("a process that starts the bridge did not exit"
                    + (left.isEmpty() ? "" : ", pid " + left.getFirst().pid()) + "; end it, then retry");
        }
    }

    /** A containerd in a container of this host has its bridge, too, and its directories have the same names. */
    private static boolean seesOurs(int pid, Path state) {
        try {
            var inside = Path.of("/proc/" + pid + "/root" + state.toAbsolutePath());
            return Files.isSameFile(inside, state);
        } catch (IOException e) {
            return false;
        }
    }

    /** What was started as {@link BridgeLauncher} does, for these very directories. */
    private static List<ProcessId> left(BridgePaths paths) {
        var node = paths.node();
        var words = List.of(
                "bridge",
                "-root",
                node.root().toString(),
                "-state",
                node.state().toString());
        var proc = ProcFs.system();
        var started = proc.all().stream()
                .filter(process -> !process.hasEnded()
                        && process.pid() != ProcessHandle.current().pid()
                        && Collections.indexOfSubList(process.argv(), words) > 0
                        && !proc.isElsewhere(process.pid())
                        && seesOurs(process.pid(), node.state()))
                .map(ProcessFacts::ref)
                .toList();
        var all = new ArrayList<>(started);
        // One that has replaced itself says no more what it was started with.
        var keeper = KeeperState.living(paths.keeper());
        if (keeper != null && !all.contains(keeper.keeper())) {
            all.add(keeper.keeper());
        }
        return all;
    }
}
