package dev.jshim.node.daemon;

import com.google.protobuf.Empty;
import dev.jshim.node.Answer;
import dev.jshim.node.socket.UnixGrpc;
import dev.jshim.proto.v2.containerd.containers.Container;
import dev.jshim.proto.v2.containerd.containers.ContainersGrpc;
import dev.jshim.proto.v2.containerd.containers.GetContainerRequest;
import dev.jshim.proto.v2.containerd.containers.ListContainersRequest;
import dev.jshim.proto.v2.containerd.events.EventsGrpc;
import dev.jshim.proto.v2.containerd.events.SubscribeRequest;
import dev.jshim.proto.v2.containerd.version.VersionGrpc;
import dev.jshim.proto.v2.types.Envelope;
import dev.jshim.task.Printable;
import dev.jshim.task.TaskId;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.ConnectException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * containerd's own API, on its socket. If no daemon answers, that is an {@link Answer.Absent}. Calls may be made by any
 * thread; each ends by the timeout.
 */
public final class ContainerdClient implements AutoCloseable {
    /** Nobody can listen there. */
    private static final Path NOBODY = Path.of("/dev/null/containerd.sock");

    private final Path address;
    private final ManagedChannel channel;
    private final Duration timeout;
    private final String absent;

    /** A client that connects with its first call. */
    public ContainerdClient(Path address, Duration timeout) {
        this(address, timeout, "no containerd answers on " + address);
    }

    private ContainerdClient(Path address, Duration timeout, String absent) {
        this.address = address;
        this.channel = UnixGrpc.open(address);
        this.timeout = timeout;
        this.absent = absent;
    }

    /** One that has nobody to ask, and gives that reason. */
    static ContainerdClient none(String reason) {
        return new ContainerdClient(NOBODY, Duration.ZERO, reason);
    }

    /**
     * The daemon's version: the call to find out whether there is one. A mute daemon is asked twice, since the first
     * call of a JVM on a busy machine may alone take longer than a timeout.
     */
    public Answer<ContainerdVersion> version() {
        var first = askVersion();
        return first instanceof Answer.Mute ? askVersion() : first;
    }

    private Answer<ContainerdVersion> askVersion() {
        return ask(() -> {
            var answer = deadline(VersionGrpc.newBlockingStub(channel)).version(Empty.getDefaultInstance());
            return new ContainerdVersion(answer.getVersion(), answer.getRevision());
        });
    }

    /** The containers on record in a namespace, running or not. */
    public Answer<List<ContainerRecord>> containers(String namespace) {
        return ask(() -> in(namespace, deadline(ContainersGrpc.newBlockingStub(channel)))
                .list(ListContainersRequest.getDefaultInstance())
                .getContainersList()
                .stream()
                .map(ContainerdClient::container)
                .toList());
    }

    /** The record of one container; refused as NOT_FOUND if there is none. */
    public Answer<ContainerRecord> container(TaskId task) {
        var request = GetContainerRequest.newBuilder().setId(task.id()).build();
        return ask(() -> container(in(task.namespace(), deadline(ContainersGrpc.newBlockingStub(channel)))
                .get(request)
                .getContainer()));
    }

    /**
     * Subscribes to events of all namespaces. It does not subscribe again when the stream has ended: that is for the
     * caller, who knows what was missed.
     *
     * @param filters such as {@code topic=="/tasks/exit"}; an event passes that matches one
     * @param onEvent called for one event at a time; must not block
     * @param onEnd called once with the reason, unless the subscription was closed
     */
    public Subscription subscribe(List<String> filters, Consumer<ContainerdEvent> onEvent, Consumer<String> onEnd) {
        var context = Context.ROOT.withCancellation();
        var observer = new Observer(onEvent, onEnd);
        var request = SubscribeRequest.newBuilder().addAllFilters(filters).build();
        context.run(() -> EventsGrpc.newStub(channel).subscribe(request, observer));
        return () -> {
            observer.done.set(true);
            context.cancel(null);
        };
    }

    /** A running subscription; closing it ends it without a word. */
    @FunctionalInterface
    public interface Subscription extends AutoCloseable {
        @Override
        void close();
    }

    @Override
    public void close() {
        channel.shutdownNow();
    }

    private <T> Answer<T> ask(Supplier<T> call) {
        if (!isListening()) {
            return new Answer.Absent<>(absent);
        }
        var answer = Answer.of(timeout, call);
        if (answer instanceof Answer.Refused<T> refused && refused.code() == Status.Code.UNAVAILABLE) {
            return new Answer.Absent<>(absent);
        }
        return answer;
    }

    /**
     * Asked first, and of the kernel: on a machine that is busy enough the first call of a gRPC channel takes longer
     * than a timeout, and a daemon that is not there would be taken for a mute one.
     */
    private boolean isListening() {
        if (!Files.exists(address)) {
            return false;
        }
        try (var probe = SocketChannel.open(UnixDomainSocketAddress.of(address))) {
            return probe.isConnected();
        } catch (ConnectException e) {
            return false;
        } catch (IOException | UnsupportedOperationException e) {
            return true; // Whatever that is, the call itself says it better.
        }
    }

    private <S extends AbstractStub<S>> S deadline(S stub) {
        return stub.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS);
    }

    private static <S extends AbstractStub<S>> S in(String namespace, S stub) {
        var metadata = new Metadata();
        metadata.put(UnixGrpc.NAMESPACE, namespace);
        return stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(metadata));
    }

    private static ContainerRecord container(Container container) {
        var runtime = container.getRuntime();
        return new ContainerRecord(
                container.getId(),
                runtime.getName(),
                runtime.hasOptions() ? runtime.getOptions() : null,
                container.getImage(),
                container.getLabelsMap(),
                container.getExtensionsMap());
    }

    private record Observer(Consumer<ContainerdEvent> onEvent, Consumer<String> onEnd, AtomicBoolean done)
            implements StreamObserver<Envelope> {
        Observer(Consumer<ContainerdEvent> onEvent, Consumer<String> onEnd) {
            this(onEvent, onEnd, new AtomicBoolean());
        }

        @Override
        public void onNext(Envelope event) {
            if (!done.get()) {
                onEvent.accept(new ContainerdEvent(event.getNamespace(), event.getTopic(), event.getEvent()));
            }
        }

        @Override
        public void onError(Throwable error) {
            end(Printable.of(Status.fromThrowable(error).toString()));
        }

        @Override
        public void onCompleted() {
            end("containerd ended the stream");
        }

        private void end(String reason) {
            if (done.compareAndSet(false, true)) {
                onEnd.accept(reason);
            }
        }
    }
}
