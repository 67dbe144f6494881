package dev.jshim.shim.task;

import com.google.protobuf.Any;
import com.google.protobuf.Empty;
import com.google.protobuf.Message;
import dev.jshim.linux.Processes;
import dev.jshim.proto.v1.types.ProcessInfo;
import dev.jshim.proto.v1.types.Status;
import dev.jshim.proto.v2.events.TaskCheckpointed;
import dev.jshim.proto.v2.events.TaskCreate;
import dev.jshim.proto.v2.events.TaskDelete;
import dev.jshim.proto.v2.events.TaskExecAdded;
import dev.jshim.proto.v2.events.TaskExecStarted;
import dev.jshim.proto.v2.events.TaskIO;
import dev.jshim.proto.v2.events.TaskOOM;
import dev.jshim.proto.v2.events.TaskPaused;
import dev.jshim.proto.v2.events.TaskResumed;
import dev.jshim.proto.v2.events.TaskStart;
import dev.jshim.proto.v2.runc.ProcessDetails;
import dev.jshim.proto.v2.task2.CheckpointTaskRequest;
import dev.jshim.proto.v2.task2.CloseIORequest;
import dev.jshim.proto.v2.task2.ConnectRequest;
import dev.jshim.proto.v2.task2.ConnectResponse;
import dev.jshim.proto.v2.task2.CreateTaskRequest;
import dev.jshim.proto.v2.task2.CreateTaskResponse;
import dev.jshim.proto.v2.task2.DeleteRequest;
import dev.jshim.proto.v2.task2.DeleteResponse;
import dev.jshim.proto.v2.task2.ExecProcessRequest;
import dev.jshim.proto.v2.task2.KillRequest;
import dev.jshim.proto.v2.task2.PauseRequest;
import dev.jshim.proto.v2.task2.PidsRequest;
import dev.jshim.proto.v2.task2.PidsResponse;
import dev.jshim.proto.v2.task2.ResizePtyRequest;
import dev.jshim.proto.v2.task2.ResumeRequest;
import dev.jshim.proto.v2.task2.ShutdownRequest;
import dev.jshim.proto.v2.task2.StartRequest;
import dev.jshim.proto.v2.task2.StartResponse;
import dev.jshim.proto.v2.task2.StateRequest;
import dev.jshim.proto.v2.task2.StateResponse;
import dev.jshim.proto.v2.task2.StatsRequest;
import dev.jshim.proto.v2.task2.StatsResponse;
import dev.jshim.proto.v2.task2.TaskGrpc;
import dev.jshim.proto.v2.task2.UpdateTaskRequest;
import dev.jshim.proto.v2.task2.WaitRequest;
import dev.jshim.proto.v2.task2.WaitResponse;
import dev.jshim.shim.keeper.MemoryCare;
import dev.jshim.task.CreateRequest;
import dev.jshim.task.EventSink;
import dev.jshim.task.ExecRequest;
import dev.jshim.task.Exit;
import dev.jshim.task.Ids;
import dev.jshim.task.News;
import dev.jshim.task.ProcessStatus;
import dev.jshim.task.ShimException;
import dev.jshim.task.Statuses;
import dev.jshim.task.Task;
import dev.jshim.task.TaskFactory;
import dev.jshim.task.Timestamps;
import dev.jshim.ttrpc.TtrpcServer;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The task API over {@link Task}: turns messages into calls and back, and publishes the events of what succeeded.
 *
 * <p>One instance serves all containers of a shim, whatever transport carries it. Mirrors containerd's
 * cmd/containerd-shim-runc-v2/task/service.go (v2.1.4). Thread-safe; holds no lock across a call of a task.
 */
public final class TaskService extends TaskGrpc.TaskImplBase {
    /**
     * For what a process before this one has left undone. containerd closes the connection once it has the answer to
     * the Delete of a container, and what is not answered by then fails: a Kill, say, that was done and not answered,
     * if the container's end has come to containerd's ears by the v1 shim.
     */
    private static final Duration BEFORE_LAST_ANSWER = Duration.ofSeconds(2);

    private final TaskRegistry tasks;
    private final TaskFactory factory;
    private final EventSink events;
    private final ExitEvents exits;
    private final Runnable shutdown;
    private final int shimPid;

    /**
     * Serves the tasks of a registry.
     *
     * @param shutdown called, possibly more than once, when Shutdown finds no container left
     */
    public TaskService(TaskRegistry tasks, TaskFactory factory, EventSink events, Runnable shutdown) {
        this(tasks, factory, events, shutdown, Processes.getpid());
    }

    /**
     * The same for a shim that another process than this one stands for.
     *
     * @param shimPid the pid of that
     */
    public TaskService(TaskRegistry tasks, TaskFactory factory, EventSink events, Runnable shutdown, int shimPid) {
        this.shimPid = shimPid;
        this.tasks = tasks;
        this.factory = factory;
        this.events = events;
        this.exits = new ExitEvents(events);
        this.shutdown = shutdown;
    }

    @Override
    public void create(CreateTaskRequest r, StreamObserver<CreateTaskResponse> answer) {
        answer(answer, () -> {
            var stdio = Room.stdio(r.getStdin(), r.getStdout(), r.getStderr(), r.getTerminal());
            var request = new CreateRequest(
                    r.getId(),
                    bundle(r.getBundle()),
                    r.getRootfsList(),
                    stdio,
                    Room.path(r.getCheckpoint()),
                    Room.path(r.getParentCheckpoint()),
                    Room.options(r.getOptions()));
            var before = TtrpcServer.isRepeated() ? tasks.find(r.getId()) : null;
            if (before != null && before.bundle().equals(request.bundle())) {
                // Done by a process before this one: then it is followed already.
                events.publish(created(r, before));
                return CreateTaskResponse.newBuilder().setPid(before.pid()).build();
            }
            var task = tasks.create(request, factory, created -> follow(r, created));
            return CreateTaskResponse.newBuilder().setPid(task.pid()).build();
        });
    }

    private void follow(CreateTaskRequest r, Task task) {
        publishOoms(task);
        events.publish(created(r, task));
        if (task.pid() != 0) {
            publishExit(task, "");
        }
    }

    private static Message created(CreateTaskRequest r, Task task) {
        return TaskCreate.newBuilder()
                .setContainerId(r.getId())
                .setBundle(r.getBundle())
                .addAllRootfs(r.getRootfsList())
                .setIo(TaskIO.newBuilder()
                        .setStdin(r.getStdin())
                        .setStdout(r.getStdout())
                        .setStderr(r.getStderr())
                        .setTerminal(r.getTerminal()))
                .setCheckpoint(r.getCheckpoint())
                .setPid(task.pid())
                .build();
    }

    private static Path bundle(String name) {
        try {
            var bundle = Path.of(name);
            if (bundle.isAbsolute()) {
                return bundle;
            }
        } catch (InvalidPathException e) {
            // As wrong as a relative one.
        }
        throw ShimException.invalidArgument("bundle \"" + name + "\" is not an absolute path");
    }

    @Override
    public void start(StartRequest r, StreamObserver<StartResponse> answer) {
        answer(answer, () -> {
            var task = tasks.get(r.getId());
            var response = StartResponse.newBuilder();
            // Until then a container that waits to be restored has no init to end.
            var isNew = !r.getExecId().isEmpty() || task.pid() == 0;
            task.start(r.getExecId(), pid -> {
                response.setPid(pid);
                if (task.told(r.getExecId()) == News.NONE) {
                    started(task, r.getExecId(), pid);
                    if (isNew) {
                        publishExit(task, r.getExecId());
                    }
                }
            });
            return response.build();
        });
    }

    private void started(Task task, String execId, int pid) {
        events.publish(
                execId.isEmpty()
                        ? TaskStart.newBuilder()
                                .setContainerId(task.id())
                                .setPid(pid)
                                .build()
                        : TaskExecStarted.newBuilder()
                                .setContainerId(task.id())
                                .setExecId(execId)
                                .setPid(pid)
                                .build());
        task.tell(execId, News.STARTED);
    }

    /** Goes on with a task that a process before this one has left, which is in the registry already. */
    public void resume(Task task) {
        publishOoms(task);
        task.begin(new Task.Follower() {
            @Override
            public void started(String execId, int pid) {
                TaskService.this.started(task, execId, pid);
            }

            @Override
            public void runs(String execId) {
                publishExit(task, execId);
            }

            @Override
            public void deleted(Exit exit) {
                TaskService.this.deleted(task, exit);
            }
        });
    }

    /** Sees to it that kills for want of memory are published as they happen. */
    public void publishOoms(Task task) {
        task.onOom(() ->
                events.publish(TaskOOM.newBuilder().setContainerId(task.id()).build()));
    }

    /** Sees to it that the exit of a process is published when it comes. */
    public void publishExit(Task task, String execId) {
        exits.follow(task, execId);
    }

    @Override
    public void delete(DeleteRequest r, StreamObserver<DeleteResponse> answer) {
        answer(answer, () -> {
            var exit = delete(r.getId(), r.getExecId());
            if (r.getExecId().isEmpty()) {
                TtrpcServer.awaitRepeated(BEFORE_LAST_ANSWER);
            }
            return DeleteResponse.newBuilder()
                    .setPid(exit.pid())
                    .setExitStatus(exit.status())
                    .setExitedAt(Timestamps.of(exit.at()))
                    .build();
        });
    }

    private Exit delete(String id, String execId) {
        Task task;
        try {
            task = tasks.getSettled(id);
        } catch (ShimException e) {
            return deletedBefore(id, e);
        }
        Exit exit;
        try {
            exit = task.delete(execId);
        } catch (ShimException e) {
            if (execId.isEmpty() && e.kind() == ShimException.Kind.NOT_FOUND) {
                return deletedBefore(id, e);
            }
            throw e;
        }
        if (execId.isEmpty()) {
            deleted(task, exit);
        }
        return exit;
    }

    /** The exit of a container that no longer exists, because a process before this one has deleted it. */
    private Exit deletedBefore(String id, ShimException failure) {
        var exit = TtrpcServer.isRepeated() ? factory.deleted(id) : null;
        if (exit == null) {
            throw failure;
        }
        return exit;
    }

    private void deleted(Task task, Exit exit) {
        exits.end(task);
        events.publish(TaskDelete.newBuilder()
                .setContainerId(task.id())
                .setPid(exit.pid())
                .setExitStatus(exit.status())
                .setExitedAt(Timestamps.of(exit.at()))
                .build());
        task.forget();
        // Last: a new container of that id has notes at the same place.
        tasks.remove(task);
    }

    @Override
    public void state(StateRequest r, StreamObserver<StateResponse> answer) {
        answer(answer, () -> {
            var state = tasks.get(r.getId()).state(r.getExecId());
            var exit = state.exit();
            return StateResponse.newBuilder()
                    .setId(state.id())
                    .setBundle(state.bundle().toString())
                    .setPid(state.pid())
                    .setStatus(wire(state.status()))
                    .setStdin(state.stdio().stdin())
                    .setStdout(state.stdio().stdout())
                    .setStderr(state.stdio().stderr())
                    .setTerminal(state.stdio().terminal())
                    .setExitStatus(exit == null ? 0 : exit.status())
                    .setExitedAt(Timestamps.of(exit == null ? Exit.NEVER : exit.at()))
                    .build();
        });
    }

    private static Status wire(ProcessStatus status) {
        return switch (status) {
            case UNKNOWN -> Status.UNKNOWN;
            case CREATED -> Status.CREATED;
            case RUNNING -> Status.RUNNING;
            case STOPPED -> Status.STOPPED;
            case PAUSED -> Status.PAUSED;
            case PAUSING -> Status.PAUSING;
        };
    }

    @Override
    public void pids(PidsRequest r, StreamObserver<PidsResponse> answer) {
        answer(answer, () -> {
            var response = PidsResponse.newBuilder();
            for (var listed : tasks.get(r.getId()).pids()) {
                var info = ProcessInfo.newBuilder().setPid(listed.pid());
                if (!listed.execId().isEmpty()) {
                    info.setInfo(any(ProcessDetails.newBuilder()
                            .setExecId(listed.execId())
                            .build()));
                }
                response.addProcesses(info);
            }
            return response.build();
        });
    }

    @Override
    public void pause(PauseRequest r, StreamObserver<Empty> answer) {
        answer(answer, () -> {
            tasks.get(r.getId()).pause();
            events.publish(TaskPaused.newBuilder().setContainerId(r.getId()).build());
            return Empty.getDefaultInstance();
        });
    }

    @Override
    public void resume(ResumeRequest r, StreamObserver<Empty> answer) {
        answer(answer, () -> {
            tasks.get(r.getId()).resume();
            events.publish(TaskResumed.newBuilder().setContainerId(r.getId()).build());
            return Empty.getDefaultInstance();
        });
    }

    @Override
    public void checkpoint(CheckpointTaskRequest r, StreamObserver<Empty> answer) {
        answer(answer, () -> {
            tasks.get(r.getId()).checkpoint(r.getPath(), r.getOptions());
            events.publish(TaskCheckpointed.newBuilder()
                    .setContainerId(r.getId())
                    .setCheckpoint(r.getPath())
                    .build());
            return Empty.getDefaultInstance();
        });
    }

    @Override
    public void kill(KillRequest r, StreamObserver<Empty> answer) {
        answer(answer, () -> {
            tasks.get(r.getId()).kill(r.getExecId(), r.getSignal(), r.getAll());
            return Empty.getDefaultInstance();
        });
    }

    @Override
    public void exec(ExecProcessRequest r, StreamObserver<Empty> answer) {
        answer(answer, () -> {
            var task = tasks.get(r.getId());
            var execId = r.getExecId();
            Ids.requireSafe("exec id", execId);
            if (execId.equals(task.id())) {
                throw ShimException.invalidArgument(
                        "exec id " + execId + " is the container's own id: choose another one");
            }
            var stdio = Room.stdio(r.getStdin(), r.getStdout(), r.getStderr(), r.getTerminal());
            task.exec(new ExecRequest(execId, stdio, r.getSpec()));
            events.publish(TaskExecAdded.newBuilder()
                    .setContainerId(r.getId())
                    .setExecId(execId)
                    .build());
            return Empty.getDefaultInstance();
        });
    }

    @Override
    public void resizePty(ResizePtyRequest r, StreamObserver<Empty> answer) {
        answer(answer, () -> {
            tasks.get(r.getId()).resize(r.getExecId(), r.getWidth(), r.getHeight());
            return Empty.getDefaultInstance();
        });
    }

    @Override
    public void closeIO(CloseIORequest r, StreamObserver<Empty> answer) {
        answer(answer, () -> {
            var task = tasks.get(r.getId());
            if (r.getStdin()) {
                task.closeStdin(r.getExecId());
            }
            return Empty.getDefaultInstance();
        });
    }

    @Override
    public void update(UpdateTaskRequest r, StreamObserver<Empty> answer) {
        answer(answer, () -> {
            tasks.get(r.getId()).update(r.getResources().getValue(), r.getAnnotationsMap());
            return Empty.getDefaultInstance();
        });
    }

    /** Answers when the process has exited; holds no thread until then. */
    @Override
    public void wait(WaitRequest r, StreamObserver<WaitResponse> answer) {
        try {
            // A copy: what the task gave may be shared by all who wait.
            var exited = exited(r.getId(), r.getExecId());
            if (answer instanceof ServerCallStreamObserver<WaitResponse> call) {
                // A client that went away, as containerd at its restart, waits no more.
                call.setOnCancelHandler(() -> exited.cancel(false));
            }
            // Each in a thread of its own: one client that does not read must not keep the exit from the others.
            var _ = exited.whenCompleteAsync(
                    (exit, failure) -> {
                        if (!exited.isCancelled()) {
                            answer(answer, () -> waited(exit, failure));
                        }
                    },
                    Thread::startVirtualThread);
        } catch (ShimException e) {
            answer.onError(Statuses.of(e).asRuntimeException());
        }
    }

    private CompletableFuture<Exit> exited(String id, String execId) {
        Task task;
        try {
            task = tasks.get(id);
        } catch (ShimException e) {
            if (!execId.isEmpty()) {
                throw e;
            }
            return CompletableFuture.completedFuture(deletedBefore(id, e));
        }
        return task.exited(execId).copy();
    }

    private static WaitResponse waited(@Nullable Exit exit, @Nullable Throwable failure) {
        if (exit == null) {
            throw new ShimException(ShimException.Kind.UNKNOWN, String.valueOf(failure), failure);
        }
        return WaitResponse.newBuilder()
                .setExitStatus(exit.status())
                .setExitedAt(Timestamps.of(exit.at()))
                .build();
    }

    @Override
    public void stats(StatsRequest r, StreamObserver<StatsResponse> answer) {
        answer(
                answer,
                () -> StatsResponse.newBuilder()
                        .setStats(any(tasks.get(r.getId()).stats()))
                        .build());
    }

    /** Answers for an unknown id too, with task pid 0: containerd asks before it creates. */
    @Override
    public void connect(ConnectRequest r, StreamObserver<ConnectResponse> answer) {
        answer(answer, () -> {
            var task = tasks.find(r.getId());
            return ConnectResponse.newBuilder()
                    .setShimPid(shimPid)
                    .setTaskPid(task == null ? 0 : task.pid())
                    .build();
        });
    }

    @Override
    public void shutdown(ShutdownRequest r, StreamObserver<Empty> answer) {
        answer(answer, Empty::getDefaultInstance);
        if (tasks.closeIfEmpty()) {
            shutdown.run();
        }
    }

    private static <T> void answer(StreamObserver<T> observer, Supplier<T> work) {
        T value;
        try {
            value = work.get();
        } catch (RuntimeException e) {
            observer.onError(Statuses.of(e).asRuntimeException());
            return;
        }
        observer.onNext(value);
        observer.onCompleted();
        MemoryCare.look();
    }

    /** containerd registers its types by bare full name, without the prefix that {@link Any#pack} adds. */
    private static Any any(Message message) {
        return Any.newBuilder()
                .setTypeUrl(message.getDescriptorForType().getFullName())
                .setValue(message.toByteString())
                .build();
    }
}
