package dev.jshim.shim.event;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.protobuf.Message;
import dev.jshim.linux.Fd;
import dev.jshim.proto.v2.events.TaskExit;
import dev.jshim.proto.v2.events.TaskPaused;
import dev.jshim.proto.v2.types.Envelope;
import dev.jshim.shim.EventLog;
import dev.jshim.shim.keeper.FdStore;
import dev.jshim.shim.keeper.Held;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of events whose publisher has died: what it had done by then is done here, and then it does no more. */
@Timeout(30)
class EventNotesTest {
    private static final Duration LONG = Duration.ofSeconds(20);
    private static final TaskExit EXIT =
            TaskExit.newBuilder().setContainerId("box").setId("box").setPid(7).build();
    private static final TaskPaused PAUSED =
            TaskPaused.newBuilder().setContainerId("box").build();

    @TempDir
    Path folder;

    private final Store store = new Store();
    private EventNotes notes;
    private Path socket;

    @BeforeEach
    void begin() {
        socket = folder.resolve("s");
        notes = notes();
        notes.read();
    }

    private EventNotes notes() {
        return new EventNotes(folder.resolve("events"));
    }

    /** A keeper's part of it. */
    private static final class Store implements FdStore {
        private final Map<String, Held> held = new HashMap<>();

        @Override
        public synchronized void keep(String name, Fd fd) {
            try {
                held.put(name, new Held(name, fd.duplicate(), false));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public synchronized void drop(String name) {
            var dropped = held.remove(name);
            if (dropped != null) {
                dropped.fd().close();
            }
        }

        /** All of it, for the next one. */
        synchronized List<Held> give() {
            return List.copyOf(held.values());
        }
    }

    private static Envelope envelope(Message event) {
        return Envelope.newBuilder()
                .setNamespace("ns")
                .setTopic(Topic.of(event))
                .setEvent(Any.newBuilder()
                        .setTypeUrl(Topic.type(event.getClass()))
                        .setValue(event.toByteString()))
                .build();
    }

    private TtrpcPublisher next() {
        return new TtrpcPublisher(socket, "ns", folder.resolve("events"), store, store.give());
    }

    @Test
    void whatWaitedIsDelivered() throws Exception {
        notes.write(1, envelope(EXIT));
        notes.write(2, envelope(PAUSED));
        var publisher = next();
        publisher.publish(EXIT);
        publisher.publish(PAUSED);
        try (var log = new EventLog(socket)) {
            assertThat(publisher.drain(LONG)).isTrue();
            assertThat(log.envelopes())
                    .as("the exit is the same one; a container may be paused again")
                    .extracting(Envelope::getTopic)
                    .containsExactly("/tasks/exit", "/tasks/paused", "/tasks/paused");
        }
        assertThat(notes().read().waiting()).isEmpty();
        assertThat(notes().read().delivered()).hasSize(3);
    }

    @Test
    void whatWasAnsweredIsNotSentAgain() throws Exception {
        try (var log = new EventLog(socket)) {
            notes.write(1, envelope(EXIT));
            assertThat(Line.connect(socket, store, notes)
                            .send(1, envelope(EXIT))
                            .isOk())
                    .isTrue();
            var publisher = next();
            publisher.publish(EXIT);
            publisher.publish(PAUSED);
            assertThat(publisher.drain(LONG)).isTrue();
            assertThat(log.envelopes()).extracting(Envelope::getTopic).containsExactly("/tasks/exit", "/tasks/paused");
        }
    }

    @Test
    void anAnswerThatWasNotedIsPassedOver() throws Exception {
        try (var log = new EventLog(socket)) {
            notes.write(1, envelope(EXIT));
            assertThat(Line.connect(socket, store, notes)
                            .send(1, envelope(EXIT))
                            .isOk())
                    .isTrue();
            notes.delivered(1);
            var publisher = next();
            publisher.publish(EXIT);
            publisher.publish(PAUSED);
            assertThat(publisher.drain(LONG)).isTrue();
            assertThat(log.envelopes()).extracting(Envelope::getTopic).containsExactly("/tasks/exit", "/tasks/paused");
        }
    }

    @Test
    void whatWasNotSentIsSentOnce() throws Exception {
        try (var log = new EventLog(socket)) {
            notes.write(1, envelope(EXIT));
            var _ = Line.connect(socket, store, notes);
            notes.sending(new EventNotes.Sending(1, 1));
            assertThat(next().drain(LONG)).isTrue();
            assertThat(log.envelopes()).hasSize(1);
        }
    }

    @Test
    void aConnectionThatIsNoMoreIsMadeAgain() throws Exception {
        try (var _ = new EventLog(socket)) {
            notes.write(1, envelope(EXIT));
            var _ = Line.connect(socket, store, notes);
            notes.sending(new EventNotes.Sending(1, 1));
        }
        Files.delete(socket);
        try (var log = new EventLog(socket)) {
            assertThat(next().drain(LONG)).isTrue();
            assertThat(log.envelopes()).hasSize(1);
        }
    }

    @Test
    void remembersNoMoreThanItNeeds() throws Exception {
        try (var log = new EventLog(socket)) {
            var publisher = next();
            for (var i = 0; i < 100; i++) {
                publisher.publish(TaskExit.newBuilder().setPid(i + 1).build());
            }
            assertThat(publisher.drain(LONG)).isTrue();
            assertThat(log.envelopes()).hasSize(100);
        }
        assertThat(notes().read().delivered()).hasSize(64).containsKey(100L);
    }

    @Test
    void damagedNotesAreRemoved() throws Exception {
        var damaged = folder.resolve("events/3");
        Files.writeString(damaged, "\377");
        Files.writeString(folder.resolve("events/4.new"), "half");
        var left = notes().read();
        assertThat(left.waiting()).isEmpty();
        assertThat(damaged).doesNotExist();
    }
}
