package dev.jshim.bridge.exit;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Message;
import dev.jshim.bridge.FakeContainer;
import dev.jshim.bridge.FakeDaemon;
import dev.jshim.bridge.V1Rig;
import dev.jshim.bridge.record.AdoptedNotes;
import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.bridge.record.BridgePaths;
import dev.jshim.linux.ProcessId;
import dev.jshim.node.NodePaths;
import dev.jshim.proto.v2.events.TaskDelete;
import dev.jshim.proto.v2.events.TaskExit;
import dev.jshim.proto.v2.events.TaskOOM;
import dev.jshim.proto.v2.events.TaskStart;
import dev.jshim.task.EventSink;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who tells of an exit. Time goes by only where a test says so: see {@link #expire}. */
class AdoptedEventsTest {
    private static final Duration PATIENCE = Duration.ofHours(1);
    private static final int INIT = 0x7ffffff1;
    private static final TaskExit EXIT = TaskExit.newBuilder()
            .setContainerId("c")
            .setId("c")
            .setPid(INIT)
            .setExitStatus(1)
            .build();
    private static final TaskDelete DELETE =
            TaskDelete.newBuilder().setContainerId("c").setPid(INIT).build();

    @TempDir
    Path folder;

    private final List<Message> published = new CopyOnWriteArrayList<>();
    private final ScheduledThreadPoolExecutor timer = new ScheduledThreadPoolExecutor(1);
    private final AtomicInteger looks = new AtomicInteger();
    private volatile boolean isLoaded = true;
    private BridgePaths paths;
    private Path socket;
    private FakeDaemon daemon;
    private Containerd containerd;
    private Process shim;
    private AdoptedRecord record;
    private AdoptedNotes notes;
    private AdoptedEvents events;

    @BeforeEach
    void setUp() throws Exception {
        paths = new BridgePaths(new NodePaths(folder.resolve("root"), folder.resolve("state")));
        Files.createDirectories(paths.directory());
        socket = folder.resolve("c.sock");
        daemon = new FakeDaemon(socket, false);
        containerd = new Containerd(socket);
        begin("/bin/true");
    }

    @AfterEach
    void tearDown() throws Exception {
        timer.shutdownNow();
        daemon.close();
        FakeContainer.end(shim);
    }

    /** A container whose v1 shim would run that program, under the containerd that runs. */
    private void begin(String program) throws Exception {
        if (shim != null) {
            FakeContainer.end(shim);
        }
        shim = shim(program, "read x");
        Files.createDirectories(folder.resolve("v1/ns/c"));
        record = new AdoptedRecord(
                "ns",
                "c",
                folder.resolve("v1/ns/c"),
                folder.resolve("work/ns/c"),
                ProcessId.of((int) shim.pid()),
                new ProcessId(INIT, 1),
                "unix:///s",
                "runc",
                Path.of("/runc"));
        notes = AdoptedNotes.of(paths, record);
        notes.daemon(containerd.seen());
        events = events();
    }

    /** A shell under a v1 shim's name and flags. */
    private Process shim(String program, String script) throws Exception {
        var process = new ProcessBuilder(
                        "/bin/bash",
                        "-c",
                        "exec -a containerd-shim /bin/sh -c \"$0\" -address \"$1\" -containerd-binary \"$2\"",
                        script,
                        socket.toString(),
                        program)
                .start();
        var line = Path.of("/proc/" + process.pid() + "/cmdline");
        V1Rig.eventually(() -> Files.readString(line).startsWith("containerd-shim"));
        return process;
    }

    private AdoptedEvents events() {
        return new AdoptedEvents(
                notes, published::add, containerd, timer, PATIENCE, () -> isLoaded, looks::incrementAndGet);
    }

    /** Those of the next bridge. */
    private AdoptedEvents nextEvents() {
        notes = AdoptedNotes.of(paths, record);
        return events();
    }

    private void restartDaemon() throws Exception {
        daemon.close();
        daemon = new FakeDaemon(socket, false);
    }

    private void awaitHeld() throws Exception {
        V1Rig.eventually(() -> !timer.getQueue().isEmpty());
    }

    /** As if the time of all that waits now were over. */
    private void expire() throws Exception {
        awaitHeld();
        for (var task : List.copyOf(timer.getQueue())) {
            timer.remove(task);
            task.run();
        }
    }

    private void assertPublished(Message... expected) throws Exception {
        V1Rig.eventually(() -> published.size() >= expected.length);
        assertThat(published).containsExactly(expected);
        assertNothingLeft();
    }

    private void assertNothingLeft() throws Exception {
        V1Rig.eventually(() -> AdoptedNotes.of(paths, record).held().isEmpty());
        events.awaitNothingHeld();
        assertThat(timer.getQueue()).isEmpty();
        assertThat(notes.isReported(EXIT)).isTrue();
    }

    @Test
    void aShimThatCanTellHasTold() throws Exception {
        events.publish(EXIT);
        events.publish(DELETE);
        awaitHeld();
        assertThat(published).isEmpty();
        assertThat(events.holds(EXIT.getId(), EXIT.getPid())).isTrue();
        expire();
        assertPublished(DELETE);
        assertThat(events.holds(EXIT.getId(), EXIT.getPid())).isFalse();
        assertThat(looks).as("nothing new is known of containerd").hasValue(0);
    }

    @Test
    void othersPassBy() throws Exception {
        var start = TaskStart.newBuilder().setContainerId("c").build();
        events.publish(EXIT);
        events.publish(start);
        assertThat(published).containsExactly(start);
        published.clear();
        expire();
        assertPublished();
    }

    @Test
    void aShimWhoseProgramIsGoneHasNotTold() throws Exception {
        begin(folder.resolve("moved").toString());
        events.publish(EXIT);
        events.publish(DELETE);
        V1Rig.eventually(() -> published.contains(EXIT));
        V1Rig.eventually(() -> published.size() == 2);
        assertPublished(EXIT, DELETE);
        V1Rig.eventually(() -> looks.get() == 1);
    }

    @Test
    void aShimThatTellsItElsewhereHasNotTold() throws Exception {
        var other = folder.resolve("other.sock");
        try (var _ = new FakeDaemon(other, false)) {
            containerd = new Containerd(other);
            events = events();
            notes.daemon(containerd.seen());
            events.publish(EXIT);
            assertPublished(EXIT);
        }
    }

    @Test
    void whatExitsWhileContainerdIsAwayIsPublished() throws Exception {
        daemon.close();
        events.publish(EXIT);
        assertPublished(EXIT);
    }

    @Test
    void whatExitsWhileContainerdHangsIsPublished() throws Exception {
        daemon.close();
        daemon = new FakeDaemon(socket, true);
        notes.daemon("as if it had answered before");
        events.publish(EXIT);
        assertPublished(EXIT);
    }

    /** It may have exited under the one before, or in between. */
    @Test
    void whatExitsAroundARestartOfContainerdIsPublished() throws Exception {
        restartDaemon();
        events.publish(EXIT);
        assertPublished(EXIT);
    }

    @Test
    void ifContainerdEndsBeforeTheShimHasHadItsTimeItIsPublished() throws Exception {
        events.publish(EXIT);
        awaitHeld();
        restartDaemon();
        expire();
        assertPublished(EXIT);
    }

    /** Who has deleted it knows of the exit, and may have started another container of the id since. */
    @Test
    void ifItWasDeletedBeforeContainerdEndedItIsNotPublishedAgain() throws Exception {
        events.publish(EXIT);
        events.publish(DELETE);
        awaitHeld();
        restartDaemon();
        expire();
        assertPublished(DELETE);
    }

    @Test
    void ifTheShimEndsBeforeItHasHadItsTimeItIsPublished() throws Exception {
        events.publish(EXIT);
        awaitHeld();
        FakeContainer.end(shim);
        expire();
        assertPublished(EXIT);
    }

    /** A daemon of 1.x that runs kills the shim of a container that it deletes. */
    @Test
    void whatAnOldDaemonHasClearedAwayItHasTold() throws Exception {
        isLoaded = false;
        events.publish(EXIT);
        awaitHeld();
        FakeContainer.end(shim);
        Files.delete(record.v1Bundle());
        expire();
        assertPublished();
    }

    /** It tells of it itself as it clears the container away; a 2.x does neither. */
    @Test
    void theExitOfAContainerWhoseShimHasDiedIsTheOldDaemonsIfItHasIt() throws Exception {
        FakeContainer.end(shim);
        isLoaded = false;
        events.publish(EXIT);
        awaitHeld();
        Files.delete(record.v1Bundle());
        expire();
        assertPublished();
    }

    @Test
    void theExitOfAContainerWhoseShimHasDiedIsPublishedAtOnceUnderANewDaemon() throws Exception {
        FakeContainer.end(shim);
        events.publish(EXIT);
        assertPublished(EXIT);
    }

    @Test
    void aShimThatIsAtItIsWaitedFor() throws Exception {
        FakeContainer.end(shim);
        var go = folder.resolve("go");
        shim = shim("/bin/true", "sh -c 'until [ -e " + go + " ]; do sleep 0.01; done' publish; read x");
        record = new AdoptedRecord(
                "ns",
                "c",
                record.v1Bundle(),
                record.v1Work(),
                ProcessId.of((int) shim.pid()),
                record.init(),
                record.socket(),
                record.runtime(),
                record.runtimeRoot());
        events = nextEvents();
        V1Rig.eventually(() -> ShimPublish.isUnderWay(record));
        events.publish(EXIT);
        expire();
        awaitHeld();
        restartDaemon();
        Files.createFile(go);
        V1Rig.eventually(() -> !ShimPublish.isUnderWay(record));
        expire();
        assertPublished(EXIT);
    }

    @Test
    void whatIsToldIsNotToldAgain() throws Exception {
        events.publish(EXIT);
        expire();
        assertPublished();
        events = nextEvents();
        events.publish(EXIT);
        assertThat(timer.getQueue()).isEmpty();
        assertPublished();
    }

    /** The next bridge learns of the exit from the v1 shim too, or does not if its process was deleted meanwhile. */
    @Test
    void theNextBridgeGoesOnWithWhatWasHeldBack() throws Exception {
        events.publish(EXIT);
        events.publish(DELETE);
        awaitHeld();
        timer.getQueue().clear();

        events = nextEvents();
        events.continueHeld();
        events.publish(EXIT);
        expire();
        assertPublished(DELETE);
    }

    @Test
    void theNextBridgeFindsAnotherContainerd() throws Exception {
        events.publish(EXIT);
        events.publish(DELETE);
        awaitHeld();
        timer.getQueue().clear();
        restartDaemon();

        events = nextEvents();
        events.continueHeld();
        V1Rig.eventually(() -> published.size() == 2);
        assertPublished(EXIT, DELETE);
    }

    /** It is decided by then, and its deletion waits for nothing else. */
    @Test
    void whatWasNotDeliveredTheNextBridgePublishesAgainInItsOrder() throws Exception {
        daemon.close();
        var sink = new EventSink() {
            @Override
            public void publish(Message event) {
                published.add(event);
            }

            @Override
            public void afterwards(Runnable action) {
                // containerd is away.
            }
        };
        events = new AdoptedEvents(notes, sink, containerd, timer, PATIENCE, () -> true, looks::incrementAndGet);
        events.publish(EXIT);
        V1Rig.eventually(() -> published.size() == 1);
        events.publish(DELETE);
        assertThat(published).containsExactly(EXIT, DELETE);
        assertThat(events.holds(EXIT.getId(), EXIT.getPid())).isFalse();
        published.clear();

        events = nextEvents();
        events.continueHeld();
        V1Rig.eventually(() -> published.size() == 2);
        assertPublished(EXIT, DELETE);
    }

    /** Its notes go when the last event is delivered, and not before. */
    @Test
    void whatIsHeldBackOfAContainerThatIsNoMoreIsPublished() throws Exception {
        FakeContainer.end(shim);
        isLoaded = false;
        events.publish(EXIT);
        events.publish(DELETE);
        awaitHeld();
        timer.getQueue().clear();
        isLoaded = true;

        events = nextEvents();
        notes.over();
        assertThat(notes.file()).exists();
        events.continueHeld();
        V1Rig.eventually(() -> published.size() == 2);
        assertThat(published).containsExactly(EXIT, DELETE);
        V1Rig.eventually(() -> !Files.exists(notes.file()));
    }

    @Test
    void aDaemonThatHasTheContainerFromTheShimTellsOfOomsItself() throws Exception {
        var oom = TaskOOM.newBuilder().setContainerId("c").build();
        isLoaded = false;
        events.publish(oom);
        assertThat(published).isEmpty();
        isLoaded = true;
        events.publish(oom);
        assertThat(published).containsExactly(oom);
        isLoaded = false;
        daemon.close();
        events.publish(oom);
        assertThat(published).containsExactly(oom, oom);
    }
}
