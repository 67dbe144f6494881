package dev.jshim.shim.keeper;

import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.UnixSocket;
import dev.jshim.task.ShimLog;
import dev.jshim.ttrpc.CallNotes;
import dev.jshim.ttrpc.TtrpcServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * How clients are served whose connections outlive this process: the keeper holds them, and the calls under way are
 * noted, in a file for each client. The next process goes on where this one has stopped. Thread-safe.
 *
 * @param keeper of the connections
 * @param folder of the notes; it is there
 * @param notes a client's file in it
 * @param admitted who else is hung up on
 */
public record KeptClients(Keeper keeper, Path folder, Function<Held, Path> notes, Predicate<UnixSocket> admitted) {
    /** Removes the notes of connections that ended while no process ran: of all but these. */
    public void inherit(Collection<Held> clients) throws IOException {
        var known = clients.stream().map(notes).toList();
        try (var files = Files.newDirectoryStream(folder)) {
            for (var file : files) {
                if (!known.contains(file)) {
                    Files.deleteIfExists(file);
                }
            }
        }
    }

    /**
     * Serves a client, and returns at once; what a process before this one has left undone comes first.
     *
     * @param unnoted whether it is served also if its calls cannot be noted: it is new, or of more worth than a call
     */
    public void serve(TtrpcServer server, Held client, boolean unnoted) {
        UnixSocket socket;
        try {
            socket = UnixSocket.of(client.fd());
        } catch (ErrnoException e) {
            ShimLog.error("cannot serve a client", "client", client.name(), "error", e);
            client.fd().close();
            keeper.drop(client.name());
            return;
        }
        var peer = new KeptPeer(socket, () -> keeper.drop(client.name()));
        var isServed = admitted.test(socket);
        if (isServed) {
            try {
                server.serve(peer, CallNotes.open(notes.apply(client)));
            } catch (IOException e) {
                ShimLog.warn("cannot note the calls of a client", "client", client.name(), "error", e);
                isServed = unnoted;
                if (unnoted) {
                    server.serve(peer);
                }
            } catch (RuntimeException e) {
                // Whoever gives us clients goes on with the next one.
                ShimLog.error("cannot serve a client", "client", client.name(), "error", e);
                isServed = false;
            }
        }
        if (!isServed) {
            peer.shutdown();
            peer.close();
        }
    }
}
