package dev.jshim.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Message;
import dev.jshim.proto.v2.events.TaskDelete;
import dev.jshim.proto.v2.events.TaskExit;
import dev.jshim.proto.v2.events.TaskOOM;
import dev.jshim.proto.v2.events.TaskStart;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ScheduledExecutorService;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ExitSinkTest {
    private static final Duration PATIENCE = Duration.ofMillis(300);
    private static final TaskExit EXIT = TaskExit.newBuilder()
            .setContainerId("c")
            .setId("c")
            .setPid(7)
            .setExitStatus(1)
            .build();
    private static final TaskDelete DELETE =
            TaskDelete.newBuilder().setContainerId("c").setPid(7).build();

    private final List<Message> published = new CopyOnWriteArrayList<>();
    private final ScheduledExecutorService timer = Bridge.timer();
    private final ExitSink sink = new ExitSink(published::add, timer, PATIENCE);

    @AfterEach
    void tearDown() {
        timer.shutdownNow();
    }

    @Test
    void aDaemonThatTellsOfOomsItselfIsNotTold() {
        var oom = TaskOOM.newBuilder().setContainerId("c").build();
        sink.daemonTellsOoms(true);
        sink.listening(true);
        sink.publish(oom);
        assertThat(published).isEmpty();
        sink.daemonTellsOoms(false);
        sink.publish(oom);
        assertThat(published).containsExactly(oom);
    }

    @Test
    void exitThatContainerdWasSeenToSendIsNotSentAgain() throws Exception {
        sink.listening(true);
        sink.publish(EXIT);
        sink.saw(EXIT);
        Thread.sleep(2 * PATIENCE.toMillis());
        assertThat(published).isEmpty();
    }

    @Test
    void exitThatWasSeenBeforeItIsKnownHereIsNotSentAgain() throws Exception {
        sink.listening(true);
        sink.saw(EXIT);
        sink.publish(EXIT);
        Thread.sleep(2 * PATIENCE.toMillis());
        assertThat(published).isEmpty();
    }

    @Test
    void exitThatNobodySawIsSentOnce() throws Exception {
        sink.listening(true);
        sink.publish(EXIT);
        assertThat(published).isEmpty();
        LegacyRig.eventually(() -> published.equals(List.of(EXIT)));
        Thread.sleep(PATIENCE.toMillis());
        assertThat(published).containsExactly(EXIT);
    }

    @Test
    void exitOfAnotherPidIsAnotherExit() throws Exception {
        sink.listening(true);
        sink.saw(EXIT.toBuilder().setPid(8).build());
        sink.publish(EXIT);
        LegacyRig.eventually(() -> published.equals(List.of(EXIT)));
    }

    @Test
    void exitIsKeptWhileContainerdIsAway() throws Exception {
        sink.publish(EXIT);
        Thread.sleep(2 * PATIENCE.toMillis());
        assertThat(published).isEmpty();
        sink.listening(true);
        LegacyRig.eventually(() -> published.equals(List.of(EXIT)));
    }

    @Test
    void deletionComesAfterItsExitAndOthersPassBy() throws Exception {
        sink.listening(true);
        var start = TaskStart.newBuilder().setContainerId("other").build();
        sink.publish(EXIT);
        sink.publish(DELETE);
        sink.publish(start);
        assertThat(published).containsExactly(start);
        LegacyRig.eventually(() -> published.equals(List.of(start, EXIT, DELETE)));
    }

    @Test
    void deletionComesAtOnceWhenTheExitWasSeen() {
        sink.listening(true);
        sink.publish(EXIT);
        sink.publish(DELETE);
        sink.saw(EXIT);
        assertThat(published).containsExactly(DELETE);
    }
}
