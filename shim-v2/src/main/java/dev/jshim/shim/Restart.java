package dev.jshim.shim;

import com.google.protobuf.Any;
import dev.jshim.linux.ProcessId;
import dev.jshim.linux.Processes;
import dev.jshim.shim.keeper.Held;
import dev.jshim.shim.keeper.Keeper;
import dev.jshim.shim.log.ShimLog;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
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
     * @param lesser options that hold where a container's own say nothing, by its bundle
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
        var note = ShimNote.read(group.path());
        held.stream()
                .filter(each -> each.name().equals(Start.LOG))
                .findFirst()
                .ifPresent(log -> ShimLog.open(log.fd(), note.debug()));
        ShimLog.warn("the JVM of the shim has died, another one goes on", "end", end(), "restarts", keeper.restarts());
        Processes.setName(Start.PROCESS_NAME);
        Housekeeping.ofEachJvm();
        var daemon = new Daemon(group, note, lesser, keeper, held);
        daemon.serve();
        daemon.serving();
        daemon.awaitEnd();
        group.remove();
        keeper.end();
    }

    /** How the one before has ended, in the words of launcher/README.md. */
    private String end() {
        try {
            return GroupRecord.values(folder.resolve(Start.STATUS)).getOrDefault("last", "-");
        } catch (IOException e) {
            return "-";
        }
    }
}
