package dev.jshim.shim;

import com.google.protobuf.Empty;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.jshim.proto.v2.events.TaskCheckpointed;
import dev.jshim.proto.v2.events.TaskCreate;
import dev.jshim.proto.v2.events.TaskDelete;
import dev.jshim.proto.v2.events.TaskExecAdded;
import dev.jshim.proto.v2.events.TaskExecStarted;
import dev.jshim.proto.v2.events.TaskExit;
import dev.jshim.proto.v2.events.TaskStart;
import dev.jshim.proto.v2.forward.EventsGrpc;
import dev.jshim.proto.v2.forward.ForwardRequest;
import dev.jshim.proto.v2.types.Envelope;
import dev.jshim.ttrpc.TtrpcServer;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Stands in for containerd: notes the events that a shim sends, each in a few words. */
public final class EventLog extends EventsGrpc.EventsImplBase implements AutoCloseable {
    private final TtrpcServer server;
    private final List<Envelope> received = new ArrayList<>();

    public EventLog(Path socket) throws IOException {
        var listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        listener.bind(UnixDomainSocketAddress.of(socket));
        server = TtrpcServer.builder().addService(this).build();
        server.serve(listener);
    }

    @Override
    public void forward(ForwardRequest request, StreamObserver<Empty> answer) {
        synchronized (this) {
            received.add(request.getEnvelope());
        }
        answer.onNext(Empty.getDefaultInstance());
        answer.onCompleted();
    }

    public synchronized List<Envelope> envelopes() {
        return List.copyOf(received);
    }

    /** The events of a container, in the order of their arrival, such as {@code exit probe 7}. */
    public List<String> of(String id) {
        return envelopes().stream()
                .map(EventLog::text)
                .filter(text -> text.startsWith(id + ":"))
                .map(text -> text.substring(id.length() + 1))
                .toList();
    }

    /** Waits until an event of a container has come. */
    public List<String> await(String id, String event) throws Exception {
        Until.holds(event + " of " + id, () -> of(id).contains(event));
        return of(id);
    }

    private static String text(Envelope envelope) {
        var bytes = envelope.getEvent().getValue();
        try {
            return switch (envelope.getTopic()) {
                case "/tasks/create" -> TaskCreate.parseFrom(bytes).getContainerId() + ":create";
                case "/tasks/start" -> TaskStart.parseFrom(bytes).getContainerId() + ":start";
                case "/tasks/delete" -> TaskDelete.parseFrom(bytes).getContainerId() + ":delete";
                case "/tasks/exec-added" -> {
                    var e = TaskExecAdded.parseFrom(bytes);
                    yield e.getContainerId() + ":exec-added " + e.getExecId();
                }
                case "/tasks/exec-started" -> {
                    var e = TaskExecStarted.parseFrom(bytes);
                    yield e.getContainerId() + ":exec-started " + e.getExecId();
                }
                case "/tasks/exit" -> {
                    var e = TaskExit.parseFrom(bytes);
                    yield e.getContainerId() + ":exit " + e.getId() + " " + e.getExitStatus();
                }
                case "/tasks/checkpointed" -> {
                    var e = TaskCheckpointed.parseFrom(bytes);
                    yield e.getContainerId() + ":checkpointed " + e.getCheckpoint();
                }
                default -> "other:" + envelope.getTopic();
            };
        } catch (InvalidProtocolBufferException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        server.close();
    }
}
