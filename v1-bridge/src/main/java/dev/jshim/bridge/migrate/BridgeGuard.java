package dev.jshim.bridge.migrate;

import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.linux.Deadline;
import dev.jshim.node.shim.KeeperState;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.time.Duration;

/** Whether a bridge lives, by the lock that it holds as long as it does: a pid in a file says nothing after a crash. */
final class BridgeGuard {
    private static final Duration ENDING = Duration.ofSeconds(10);

    private static final Duration LOOK = Duration.ofMillis(20);

    private BridgeGuard() {}

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
        if (!Files.exists(paths.lock())) {
            return false;
        }
        try (var channel = FileChannel.open(paths.lock(), StandardOpenOption.WRITE)) {
            return channel.tryLock() == null;
        } catch (OverlappingFileLockException e) {
            return true; // in this very JVM, as in tests
        }
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
                    "the running bridge (it holds " + paths.lock() + ") did not respond: " + why.getMessage() + "; see "
                            + paths.log() + ", kill the process in " + paths.pid() + ", then retry",
                    why);
        }
    }
}
