package dev.jshim.shim.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Empty;
import com.google.protobuf.Internal;
import dev.jshim.proto.v2.events.TaskExit;
import dev.jshim.proto.v2.events.TaskPaused;
import dev.jshim.proto.v2.forward.EventsGrpc;
import dev.jshim.proto.v2.forward.ForwardRequest;
import dev.jshim.shim.EventLog;
import dev.jshim.shim.Until;
import dev.jshim.ttrpc.TtrpcServer;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class TtrpcPublisherTest {
    private static final Duration LONG = Duration.ofSeconds(20);

    @TempDir
    Path folder;

    private static TaskExit exit(int status) {
        return TaskExit.newBuilder()
                .setContainerId("box")
                .setId("box")
                .setExitStatus(status)
                .build();
    }

    private static TaskPaused paused() {
        return TaskPaused.newBuilder().setContainerId("box").build();
    }

    @Test
    void deliversInOrder() throws Exception {
        var socket = folder.resolve("s");
        try (var log = new EventLog(socket)) {
            var publisher = new TtrpcPublisher(socket, "k8s.io");
            for (var i = 0; i < 200; i++) {
                publisher.publish(exit(i));
            }
            assertThat(publisher.drain(LONG)).isTrue();
            assertThat(log.of("box"))
                    .containsExactlyElementsOf(IntStream.range(0, 200)
                            .mapToObj(i -> "exit box " + i)
                            .toList());
            var envelope = log.envelopes().getFirst();
            assertThat(envelope.getNamespace()).isEqualTo("k8s.io");
            assertThat(envelope.getTopic()).isEqualTo("/tasks/exit");
            assertThat(envelope.getEvent().getTypeUrl()).isEqualTo("containerd.events.TaskExit");
            assertThat(envelope.getTimestamp().getSeconds()).isPositive();
        }
    }

    @Test
    void keepsWhatCannotBeDeliveredYet() throws Exception {
        var socket = folder.resolve("s");
        var publisher = new TtrpcPublisher(socket, "test");
        publisher.publish(exit(1));
        assertThat(publisher.drain(Duration.ofMillis(50))).isFalse();
        try (var log = new EventLog(socket)) {
            publisher.publish(exit(2));
            assertThat(publisher.drain(LONG)).isTrue();
            assertThat(log.of("box")).containsExactly("exit box 1", "exit box 2");
        }
        Files.delete(socket);
        // containerd goes and comes back, with the connection that the publisher held.
        publisher.publish(exit(3));
        try (var log = new EventLog(socket)) {
            assertThat(publisher.drain(LONG)).isTrue();
            assertThat(log.of("box")).containsExactly("exit box 3");
        }
    }

    @Test
    void saysWhenAllIsDelivered() throws Exception {
        var socket = folder.resolve("s");
        var publisher = new TtrpcPublisher(socket, "test");
        var delivered = new AtomicInteger();
        publisher.afterwards(delivered::incrementAndGet);
        assertThat(delivered).as("nothing is on its way").hasValue(1);
        publisher.publish(exit(1));
        publisher.afterwards(delivered::incrementAndGet);
        assertThat(publisher.drain(Duration.ofMillis(50))).isFalse();
        assertThat(delivered).hasValue(1);
        try (var log = new EventLog(socket)) {
            Until.holds("it is said", () -> delivered.get() == 2);
            assertThat(log.of("box")).containsExactly("exit box 1");
        }
    }

    @Test
    void dropsTheOldestThatIsNoExit() throws Exception {
        var socket = folder.resolve("s");
        var publisher = new TtrpcPublisher(socket, "test", 3);
        publisher.publish(exit(1));
        publisher.publish(paused());
        publisher.publish(exit(2));
        publisher.publish(exit(3));
        publisher.publish(paused());
        try (var log = new EventLog(socket)) {
            assertThat(publisher.drain(LONG)).isTrue();
            assertThat(log.envelopes()).hasSize(3);
            assertThat(log.of("box")).containsExactly("exit box 1", "exit box 2", "exit box 3");
        }
    }

    @Test
    void dropsTheOldestExitWhereThereIsNothingElse() throws Exception {
        var socket = folder.resolve("s");
        var publisher = new TtrpcPublisher(socket, "test", 2);
        IntStream.rangeClosed(1, 4).forEach(i -> publisher.publish(exit(i)));
        try (var log = new EventLog(socket)) {
            assertThat(publisher.drain(LONG)).isTrue();
            // One that was being sent when it was dropped may still arrive.
            assertThat(log.of("box")).hasSizeBetween(2, 3).endsWith("exit box 3", "exit box 4");
        }
    }

    @Test
    void givesUpWhatIsRefusedAndGoesOn() throws Exception {
        var asked = new AtomicInteger();
        var accepted = new AtomicInteger();
        var socket = folder.resolve("s");
        var listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        listener.bind(UnixDomainSocketAddress.of(socket));
        var server = TtrpcServer.builder()
                .addService(new EventsGrpc.EventsImplBase() {
                    @Override
                    public void forward(ForwardRequest request, StreamObserver<Empty> answer) {
                        asked.incrementAndGet();
                        if (request.getEnvelope().getTopic().equals("/tasks/paused")) {
                            answer.onError(Status.INVALID_ARGUMENT.asRuntimeException());
                            return;
                        }
                        accepted.incrementAndGet();
                        answer.onNext(Empty.getDefaultInstance());
                        answer.onCompleted();
                    }
                })
                .build();
        try (server) {
            server.serve(listener);
            var publisher = new TtrpcPublisher(socket, "test");
            publisher.publish(paused());
            publisher.publish(exit(1));
            assertThat(publisher.drain(LONG)).isTrue();
            Until.holds("the exit", () -> accepted.get() == 1);
            assertThat(asked).hasValue(6);
        }
    }

    @Test
    void namesTypesAsTheirDescriptorsDo() {
        assertThat(Topic.events())
                .hasSize(10)
                .allSatisfy(event -> assertThat(Topic.type(event))
                        .isEqualTo(Internal.getDefaultInstance(event)
                                .getDescriptorForType()
                                .getFullName()));
    }

    @Test
    void knowsItsTopics() {
        assertThatThrownBy(() -> Topic.of(Empty.getDefaultInstance())).isInstanceOf(IllegalArgumentException.class);
    }
}
