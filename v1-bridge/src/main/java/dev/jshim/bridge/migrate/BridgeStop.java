package dev.jshim.bridge.migrate;

import dev.jshim.bridge.BridgePaths;
import dev.jshim.bridge.LiveProcess;
import java.io.IOException;
import java.time.Duration;

/** Ends a bridge and waits for its end; what it served goes on without it. */
final class BridgeStop {
    private BridgeStop() {}

    /**
     * Ends the bridge, if there is one.
     *
     * @return whether there was one
     * @throws IOException where it does not end
     */
    static boolean stop(BridgePaths paths, Duration timeout, Duration limit) throws IOException {
        try (var bridge = BridgeClient.connect(paths.control(), timeout)) {
            var process = LiveProcess.find(bridge.list().getPid());
            bridge.stop();
            var end = System.nanoTime() + limit.toNanos();
            var inThisProcess =
                    process != null && process.pid() == ProcessHandle.current().pid();
            while (process != null && !inThisProcess && LiveProcess.isAlive(process)) {
                if (System.nanoTime() > end) {
                    throw new IOException("the bridge, pid " + process.pid() + ", does not end");
                }
                Thread.sleep(20);
            }
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } catch (IOException e) {
            BridgeGuard.refuseAlive(paths, e);
            return false;
        }
    }
}
