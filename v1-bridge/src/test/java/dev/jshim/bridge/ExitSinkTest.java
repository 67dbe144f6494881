package dev.jshim.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Message;
import com.google.protobuf.Timestamp;
import dev.jshim.proto.v2.events.TaskDelete;
import dev.jshim.proto.v2.events.TaskExit;
import dev.jshim.proto.v2.events.TaskOOM;
import dev.jshim.proto.v2.events.TaskStart;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Time goes by only where a test says so: see {@link #expire}. */
class ExitSinkTest {
    private static final Duration PATIENCE = Duration.ofHours(1);
    private static final TaskExit EXIT = TaskExit.newBuilder()
            .setContainerId("c")
            .setId("c")
            .setPid(7)
            .setExitStatus(1)
            .build();
    private static final TaskDelete DELETE =
            TaskDelete.newBuilder().setContainerId("c").setPid(7).build();

    private final List<Message> published = new CopyOnWriteArrayList<>();
    private final ScheduledThreadPoolExecutor timer = new ScheduledThreadPoolExecutor(1);
    private final Known known = new Known();
    private final ExitSink sink = new ExitSink(published::add, known, timer, PATIENCE);

    /** What the bridge would know. */
    private static final class Known implements ExitWitness {
        final Set<TaskExit> told = new CopyOnWriteArraySet<>();
        volatile boolean lives;
        volatile boolean withinReach = true;
        final AtomicInteger beingTold = new AtomicInteger();

        @Override
        public boolean isTold(TaskExit exit) {
            return told.contains(exit);
        }

        @Override
        public boolean isRefuted(TaskExit exit) {
            return lives;
        }

        @Override
        public boolean wasWithinReach(TaskExit exit) {
            return withinReach;
        }

        @Override
        public boolean isBeingTold(TaskExit exit) {
            return beingTold.getAndDecrement() > 0;
        }

        @Override
        public void told(TaskExit exit) {
            told.add(exit);
        }
    }

    @AfterEach
    void tearDown() {
        timer.shutdownNow();
    }

    /** As if the time of all that waits now were over. */
    private void expire() {
        for (var task : List.copyOf(timer.getQueue())) {
            timer.remove(task);
            task.run();
        }
    }

    /** That the end of the time changes nothing, whatever is scheduled. */
    private void assertStays(Message... expected) throws Exception {
        assertThat(published).containsExactly(expected);
        expire();
        Thread.sleep(100); // for the threads that look: one that is later than that is missed, and fails nothing
        assertThat(published).containsExactly(expected);
    }

    @Test
    void aDaemonThatTellsOfOomsItselfIsNotTold() {
        var oom = TaskOOM.newBuilder().setContainerId("c").build();
        sink.daemonTellsOoms(true);
        sink.listening(true, false);
        sink.publish(oom);
        assertThat(published).isEmpty();
        sink.daemonTellsOoms(false);
        sink.publish(oom);
        assertThat(published).containsExactly(oom);
    }

    @Test
    void exitThatContainerdWasSeenToSendIsNotSentAgain() throws Exception {
        sink.listening(true, false);
        sink.publish(EXIT);
        sink.saw(EXIT);
        assertStays();
    }

    @Test
    void exitThatWasSeenBeforeItIsKnownHereIsNotSentAgain() throws Exception {
        sink.listening(true, false);
        sink.saw(EXIT);
        sink.publish(EXIT);
        assertStays();
    }

    @Test
    void exitThatNobodySawIsSentOnce() throws Exception {
        sink.listening(true, false);
        sink.publish(EXIT);
        assertThat(published).isEmpty();
        expire();
        LegacyRig.eventually(() -> published.equals(List.of(EXIT)));
        assertStays(EXIT);
    }

    @Test
    void whatWaitsForAnExitStaysWhereThatIsKnownTwice() throws Exception {
        sink.listening(true, false);
        sink.publish(EXIT);
        sink.publish(DELETE);
        sink.publish(EXIT);
        expire();
        LegacyRig.eventually(() -> published.equals(List.of(EXIT, DELETE)));
        assertStays(EXIT, DELETE);
    }

    @Test
    void itsTimeEndsByItself() throws Exception {
        var brief = new ExitSink(published::add, known, timer, Duration.ofMillis(20));
        brief.listening(true, false);
        brief.publish(EXIT);
        LegacyRig.eventually(() -> published.equals(List.of(EXIT)));
    }

    @Test
    void exitOfAnotherPidIsAnotherExit() throws Exception {
        sink.listening(true, false);
        sink.saw(EXIT.toBuilder().setPid(8).build());
        sink.publish(EXIT);
        expire();
        LegacyRig.eventually(() -> published.equals(List.of(EXIT)));
    }

    @Test
    void exitIsKeptWhileContainerdIsAway() throws Exception {
        sink.publish(EXIT);
        assertStays();
        sink.listening(true, false);
        assertThat(published).isEmpty();
        expire();
        LegacyRig.eventually(() -> published.equals(List.of(EXIT)));
    }

    @Test
    void deletionComesAfterItsExitAndOthersPassBy() throws Exception {
        sink.listening(true, false);
        var start = TaskStart.newBuilder().setContainerId("other").build();
        sink.publish(EXIT);
        sink.publish(DELETE);
        sink.publish(start);
        assertThat(published).containsExactly(start);
        expire();
        LegacyRig.eventually(() -> published.equals(List.of(start, EXIT, DELETE)));
    }

    @Test
    void deletionComesAtOnceWhenTheExitWasSeen() {
        sink.listening(true, false);
        sink.publish(EXIT);
        sink.publish(DELETE);
        sink.saw(EXIT);
        assertThat(published).containsExactly(DELETE);
    }

    @Test
    void whatIsSeenIsNotedAndNotSentAgainByTheNextBridge() throws Exception {
        sink.listening(true, false);
        sink.saw(EXIT);
        assertThat(known.told).containsExactly(EXIT);
        var next = new ExitSink(published::add, known, timer, PATIENCE);
        next.listening(true, false);
        next.publish(EXIT);
        next.publish(DELETE);
        assertStays(DELETE);
    }

    @Test
    void whatWasSentIsToldOnlyOnceItIsSeen() throws Exception {
        sink.listening(true, false);
        sink.publish(EXIT);
        expire();
        LegacyRig.eventually(() -> published.equals(List.of(EXIT)));
        assertThat(known.told).as("it may be lost on its way").isEmpty();
        sink.saw(EXIT);
        assertThat(known.told).containsExactly(EXIT);
    }

    @Test
    void ofAProcessThatLivesNoExitIsBelieved() throws Exception {
        sink.listening(true, false);
        known.lives = true;
        sink.saw(EXIT.toBuilder().setExitStatus(255).build());
        sink.saw(EXIT);
        assertThat(known.told).isEmpty();
        known.lives = false;
        sink.publish(EXIT);
        expire();
        LegacyRig.eventually(() -> published.equals(List.of(EXIT)));
    }

    @Test
    void aCodeThatContainerdMadeUpIsNotTheExit() throws Exception {
        sink.listening(true, false);
        sink.saw(EXIT.toBuilder().setExitStatus(255).build());
        sink.publish(EXIT);
        expire();
        LegacyRig.eventually(() -> published.equals(List.of(EXIT)));
    }

    @Test
    void whatHappenedBetweenTwoBridgesUnderOneDaemonWasToldByTheShims() throws Exception {
        sink.publish(EXIT);
        sink.publish(DELETE);
        sink.listening(true, true);
        assertThat(published).containsExactly(DELETE);
        assertThat(known.told).containsExactly(EXIT);
        assertStays(DELETE);
    }

    @Test
    void exceptWhereTheShimsWordCannotCome() throws Exception {
        known.withinReach = false;
        sink.publish(EXIT);
        sink.listening(true, true);
        expire();
        LegacyRig.eventually(() -> published.equals(List.of(EXIT)));
    }

    private static TaskExit exitAt(long second) {
        return EXIT.toBuilder()
                .setExitedAt(Timestamp.newBuilder().setSeconds(second))
                .build();
    }

    private void listenLate() {
        sink.missed(new UnheardTime(Instant.ofEpochSecond(100), Instant.ofEpochSecond(200)));
        sink.listening(true, false);
    }

    /** Whether its event is seen before containerd is heard or after. */
    @ParameterizedTest(name = "published first: {0}")
    @ValueSource(booleans = {true, false})
    void whatHappenedBeforeTheDaemonWasHeardWasToldByTheShims(boolean first) throws Exception {
        if (first) {
            sink.publish(exitAt(150));
            listenLate();
        } else {
            listenLate();
            sink.publish(exitAt(150));
        }
        sink.publish(DELETE);
        expire();
        LegacyRig.eventually(() -> published.equals(List.of(DELETE)));
        assertThat(known.told).containsExactly(exitAt(150));
    }

    @ParameterizedTest
    @ValueSource(longs = {99, 201})
    void whatHappenedBeforeItRanOrWhenItIsHeardIsTold(long second) throws Exception {
        sink.publish(exitAt(second));
        listenLate();
        expire();
        LegacyRig.eventually(() -> published.equals(List.of(exitAt(second))));
    }

    @Test
    void aShimThatCannotTellHasNot() throws Exception {
        known.withinReach = false;
        sink.publish(exitAt(150));
        listenLate();
        expire();
        LegacyRig.eventually(() -> published.equals(List.of(exitAt(150))));
    }

    @Test
    void aShimThatIsAtItIsWaitedFor() throws Exception {
        known.beingTold.set(2);
        sink.listening(true, false);
        sink.publish(EXIT);
        for (var i = 0; i < 2; i++) {
            expire();
            LegacyRig.eventually(() -> !timer.getQueue().isEmpty());
            assertThat(published).isEmpty();
        }
        expire();
        LegacyRig.eventually(() -> published.equals(List.of(EXIT)));
    }
}
