package dev.jshim.shim.event;

import com.google.protobuf.Empty;
import dev.jshim.linux.Fd;
import dev.jshim.linux.UnixSocket;
import dev.jshim.proto.v2.forward.EventsGrpc;
import dev.jshim.proto.v2.forward.ForwardRequest;
import dev.jshim.proto.v2.types.Envelope;
import dev.jshim.shim.keeper.FdStore;
import dev.jshim.shim.keeper.KeptPeer;
import dev.jshim.ttrpc.KeptClient;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A connection to containerd for events, which outlives this process if there is a store: the answer to the event that
 * was under way is then still on it. For one thread.
 */
final class Line implements AutoCloseable {
    /** What the store calls it. */
    static final String NAME = "events";

    private static final MethodDescriptor<ForwardRequest, Empty> FORWARD = EventsGrpc.getForwardMethod();
    private static final Duration CALL = Duration.ofSeconds(5);
    /** For an answer that is most likely there already. */
    private static final Duration OLD_CALL = Duration.ofSeconds(1);

    private final KeptClient client;
    private final EventNotes notes;
    private EventNotes.@Nullable Sending before;

    private Line(UnixSocket socket, FdStore store, EventNotes notes, EventNotes.@Nullable Sending before) {
        var lastId = before == null ? -1 : before.streamId();
        client = new KeptClient(new KeptPeer(socket, () -> store.drop(NAME)), lastId);
        this.notes = notes;
        this.before = before;
    }

    /** Connects. */
    static Line connect(Path address, FdStore store, EventNotes notes) throws IOException {
        var socket = UnixSocket.connect(address);
        notes.forgetSending();
        store.keep(NAME, socket.fd());
        return new Line(socket, store, notes, null);
    }

    /** Goes on with the connection of a process before this one. */
    static Line of(Fd kept, FdStore store, EventNotes notes) throws IOException {
        return new Line(UnixSocket.of(kept), store, notes, notes.lastSending());
    }

    /**
     * Sends an event, or hears what became of it that was sent by a process before this one.
     *
     * @param number of the event
     * @return what containerd has answered; {@link #settle} takes the answer away
     * @throws IOException if there is no answer
     */
    Status send(long number, Envelope envelope) throws IOException {
        var request = ForwardRequest.newBuilder().setEnvelope(envelope).build();
        var old = before;
        before = null;
        if (old == null || old.event() != number) {
            var id = client.nextId();
            notes.sending(new EventNotes.Sending(number, id));
            client.send(id, FORWARD, request, CALL);
            return client.await(id, CALL);
        }
        try {
            return client.await(old.streamId(), OLD_CALL);
        } catch (SocketTimeoutException e) {
            // It was not sent, or containerd is slow: then it says that it has it.
            client.send(old.streamId(), FORWARD, request, CALL);
            var status = client.await(old.streamId(), CALL);
            return status.getCode() == Status.Code.INVALID_ARGUMENT ? Status.OK : status;
        }
    }

    /** Takes the answer off the connection. */
    void settle() throws IOException {
        client.settle();
    }

    @Override
    public void close() {
        try {
            client.close();
        } catch (IOException e) {
            // Nobody is at its other end.
        }
    }
}
