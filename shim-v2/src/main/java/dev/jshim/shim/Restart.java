package dev.jshim.shim;

import com.google.protobuf.Any;
import dev.jshim.linux.ProcessId;
import dev.jshim.linux.Processes;
import dev.jshim.shim.keeper.Held;
import dev.jshim.shim.keeper.Keeper;
import dev.jshim.shim.keeper.ShimPid;
import dev.jshim.task.ShimLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * A shim whose JVM has died, in the next one: what it was is in the notes of the group's folder, and what it had open
 * the keeper gives. Who is connected notices a pause.
 */
final class Restart {
    private final Keeper keeper;
    private final List<Held> held;
    private final Path folder;
    private final Function<Path, Any> lesser;

    /**
     * @param held all that the keeper has given
     * @param listener the one of the group's socket, which is named after the group's folder
     * @param lesser options that hold if a container's own say nothing, by its bundle
     */
    Restart(Keeper keeper, List<Held> held, Held listener, Function<Path, Any> lesser) {
        this.keeper = keeper;
        this.held = held;
        this.folder = Path.of(listener.name());
        this.lesser = lesser;
    }

    /**
     * Serves, and returns when the shim is to end.
     *
     * @throws IOException if the notes cannot be read: the keeper tries again, ever more slowly, and containers run on
     */
    void run() throws IOException, InterruptedException {
        var group = GroupFolder.resume(folder, ProcessId.of(ShimPid.get()));
        if (group == null) {
            // The one before had given its group up, and only its own end was left to come.
            keeper.end();
            return;
        }
        openLog(false);
        var note = readNote(group.path());
        openLog(note.debug());
        logWhy(group.path());
        Processes.setName(Daemon.PROCESS_NAME);
        Housekeeping.ofEachJvm();
        var daemon = new Daemon(group, note, lesser, keeper, held);
        daemon.serve();
        daemon.serving();
        replaceKeeper();
        daemon.awaitEnd();
        group.remove();
        keeper.end();
    }

    private void openLog(boolean debug) {
        held.stream()
                .filter(each -> each.name().equals(Daemon.LOG))
                .findFirst()
                .ifPresent(log -> ShimLog.open(log.fd(), debug));
    }

    private static ShimNote readNote(Path folder) throws IOException {
        try {
            return ShimNote.read(folder);
        } catch (IOException e) {
            ShimLog.error("a new JVM cannot continue the running shim", "error", e.getMessage());
            throw e;
        }
    }

    private void replaceKeeper() {
        var home = System.getProperty("jshim.home");
        var program = home == null ? null : Path.of(home).resolve(Keeper.PROGRAM);
        if (program != null) {
            keeper.replaceIfOther(program);
        }
    }

    /** To containerd's log: why this is not the shim's first JVM. */
    private static void logWhy(Path folder) throws IOException {
        var status = folder.resolve(GroupFolder.STATUS);
        var keeper = Files.exists(status) ? GroupRecord.values(status) : Map.<String, String>of();
        var last = keeper.getOrDefault("last", "unknown");
        var restarts = keeper.getOrDefault("restarts", "unknown");
        if (keeper.containsKey("failed")) {
            ShimLog.warn("the new JVM of the shim did not come up; the previous one continues", "end", last);
        } else if (last.equals("exit 0")) {
            ShimLog.info("the JVM of the shim was replaced", "version", Version.NUMBER);
        } else {
            ShimLog.warn("the JVM of the shim has died; another one continues", "end", last, "restarts", restarts);
        }
    }
}
