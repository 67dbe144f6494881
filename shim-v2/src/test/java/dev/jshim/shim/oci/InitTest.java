package dev.jshim.shim.oci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Any;
import dev.jshim.linux.ExitedChild;
import dev.jshim.linux.ProcessId;
import dev.jshim.proto.v2.notes.ProcessNote;
import dev.jshim.shim.cgroup.OomWatch;
import dev.jshim.shim.keeper.FdStore;
import dev.jshim.shim.stdio.ProcessIo;
import dev.jshim.shim.stdio.PumpLoop;
import dev.jshim.task.CreateRequest;
import dev.jshim.task.Exit;
import dev.jshim.task.News;
import dev.jshim.task.ProcessStatus;
import dev.jshim.task.ShimException;
import dev.jshim.task.Stdio;
import dev.jshim.task.Task;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Init's own end, and what the next JVM makes of its notes; no runtime is called. */
class InitTest {
    private static final int PID = 5_000_000;
    private static final ProcessId PROCESS = new ProcessId(PID, 17);

    private final CompletableFuture<ExitedChild> ended = new CompletableFuture<>();
    private final List<String> reports = new ArrayList<>();

    @TempDir
    Path folder;

    private Container container;
    private Init init;

    @BeforeEach
    void create() throws Exception {
        var notes = TaskNotes.in(folder).of("box");
        var bundle = Files.createDirectory(folder.resolve("bundle"));
        notes.begin(new CreateRequest("box", bundle, List.of(), Stdio.NONE, "", "", Any.getDefaultInstance()));
        container = container(bundle, notes);
        init = new Init(container, Stdio.NONE, streams(), launch(), true);
    }

    private static Container container(Path bundle, ContainerNotes notes) {
        var reaper = new Reaper(TaskNotes.NONE.exits(), _ -> {});
        var options = RuntimeOptions.of(Any.getDefaultInstance(), Any.getDefaultInstance());
        return new Container(
                "ns",
                "box",
                bundle,
                new Rootfs(bundle.resolve("rootfs")),
                new Runc(reaper, options, "ns", bundle),
                reaper,
                new PumpLoop(),
                options,
                new OomNotice(new OomWatch(), "box"),
                Duration.ofSeconds(1),
                notes,
                FdStore.NONE);
    }

    private ProcessIo streams() {
        return ProcessIo.open(Stdio.NONE, container.streams("", false));
    }

    private InitLaunch launch() {
        return new InitLaunch.Created(container, new InitProcess(PROCESS, "", null, ended));
    }

    private void end(int code) {
        ended.complete(new ExitedChild(PID, false, code));
    }

    /** As the next JVM has it, from the notes. */
    private Init next() throws Exception {
        var note = container.notes().readInit();
        assertThat(note).isNotNull();
        return new Init(
                container, Stdio.NONE, streams(), launch(), note == null ? ProcessNote.getDefaultInstance() : note);
    }

    private final Task.Follower follower = new Task.Follower() {
        @Override
        public void started(String execId, int pid) {
            reports.add("started " + pid);
        }

        @Override
        public void runs(String execId) {
            reports.add("runs");
        }

        @Override
        public void deleted(Exit exit) {
            reports.add("deleted");
        }
    };

    @Test
    void itsExitIsAnnouncedOnceNoExecHoldsItBack() {
        init.hold();
        init.holdForStart();
        end(7);
        assertThat(init.exited()).isNotDone();
        assertThat(init.status()).isEqualTo(ProcessStatus.CREATED);
        init.release();
        assertThat(init.exited()).isNotDone();
        init.release();
        assertThat(init.exited()).isCompletedWithValueMatching(exit -> exit.pid() == PID && exit.status() == 7);
        assertThat(init.state().status()).isEqualTo(ProcessStatus.STOPPED);
        assertThat(container.bundle().resolve("exit.pb")).isNotEmptyFile();
    }

    @Test
    void noExecIsStartedOnceItHasEnded() {
        init.hold();
        end(0);
        assertThatThrownBy(init::holdForStart)
                .isInstanceOfSatisfying(
                        ShimException.class,
                        e -> assertThat(e.kind()).isEqualTo(ShimException.Kind.FAILED_PRECONDITION))
                .hasMessageContaining("init process is not running");
        init.release();
        assertThat(init.exited()).as("what was refused does not hold it back").isDone();
    }

    @Test
    void anExitThatWasNotReportedIsReportedByTheNextJvm() throws Exception {
        end(3);
        var next = next();
        assertThat(next.exited()).isNotDone();
        next.begin(follower);
        assertThat(reports).containsExactly("runs");
        assertThat(next.exited()).isCompletedWithValueMatching(exit -> exit.status() == 3);
    }

    @Test
    void whatWasReportedIsNotReportedAgain() throws Exception {
        end(3);
        init.tell(News.ENDED);
        var next = next();
        assertThat(next.told()).isEqualTo(News.ENDED);
        next.begin(follower);
        assertThat(reports).isEmpty();
        assertThat(next.exited()).isDone();
    }

    /** The runtime's start was done, and the JVM has died before it was reported. */
    @Test
    void aStartIsReportedByTheNextJvm() throws Exception {
        ProcessFile.ofInit(container.notes())
                .write(ProcessNote.newBuilder()
                        .setPhase("RUNNING")
                        .setPid(PID)
                        .setStart(17)
                        .setOwnPidNamespace(true)
                        .build());
        var next = next();
        next.begin(follower);
        assertThat(reports).containsExactly("started " + PID, "runs");
        assertThat(next.exited()).isNotDone();
        end(9);
        assertThat(next.exited()).isCompletedWithValueMatching(exit -> exit.status() == 9);
    }
}
