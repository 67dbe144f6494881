package dev.jshim.shim;

import dev.jshim.linux.UnixSocket;
import dev.jshim.shim.keeper.Held;
import dev.jshim.shim.keeper.Keeper;
import dev.jshim.shim.keeper.KeptClients;
import dev.jshim.ttrpc.TtrpcServer;
import io.grpc.ServerServiceDefinition;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * ttrpc on a socket that outlives this process, and so do the connections: the keeper holds them and accepts new ones,
 * and a note of the calls under way is beside the socket. Thread-safe.
 */
final class KeptTransport implements Transport {
    private final Keeper keeper;
    private final String name;
    private final Path notes;
    private final @Nullable Held before;
    private final List<Held> inherited;
    private final KeptClients clients;
    private @Nullable UnixSocket listener;
    private @Nullable TtrpcServer server;
    private boolean isQuiet;

    /**
     * A transport that serves nobody yet.
     *
     * @param folder of the group; by its name the keeper knows the listener
     * @param held what a process before this one has left with the keeper, of which the sockets are taken
     */
    KeptTransport(Keeper keeper, Path folder, List<Held> held) {
        this.keeper = keeper;
        name = folder.toString();
        notes = folder.resolve("calls");
        before = held.stream().filter(Held::isListening).findFirst().orElse(null);
        inherited = held.stream()
                .filter(each -> !each.isListening() && each.listener().equals(name))
                .toList();
        clients = new KeptClients(
                keeper, notes, client -> notes.resolve(client.name().substring(name.length() + 1)), Peers::isSameUser);
    }

    @Override
    public synchronized void serve(Path socket, List<ServerServiceDefinition> services) throws IOException {
        var builder = TtrpcServer.builder()
                .waiting(method -> method.endsWith("/Wait"))
                .quick(method -> method.endsWith("/State") || method.endsWith("/Connect"));
        services.forEach(builder::addService);
        var serving = builder.build();
        server = serving;
        Files.createDirectories(notes);
        if (before == null) {
            var listening = UnixSocket.listen(socket);
            listener = listening;
            keeper.listen(name, listening.fd());
        } else {
            listener = UnixSocket.of(before.fd());
            clients.inherit(inherited);
            inherited.forEach(client -> clients.serve(serving, client, false));
        }
    }

    /** Serves a client that the keeper has accepted. */
    void arrived(Held client) {
        TtrpcServer serving;
        synchronized (this) {
            if (isQuiet) {
                return; // It is the next process' client.
            }
            serving = server;
        }
        if (serving == null || !client.listener().equals(name)) {
            client.fd().close();
            keeper.drop(client.name());
            return;
        }
        clients.serve(serving, client, true);
    }

    /** Reads no more, and waits until all calls but Wait were answered: for a process whose place another one takes. */
    void quiet(Duration grace) throws InterruptedException {
        TtrpcServer serving;
        synchronized (this) {
            isQuiet = true;
            serving = server;
        }
        if (serving != null) {
            var _ = serving.quiet(grace);
        }
    }

    @Override
    public void shutdown(Duration grace) {
        UnixSocket listening;
        TtrpcServer serving;
        synchronized (this) {
            listening = listener;
            serving = server;
        }
        keeper.drop(name);
        if (listening != null) {
            listening.close();
        }
        if (serving != null) {
            var _ = serving.shutdown(grace);
        }
    }
}
