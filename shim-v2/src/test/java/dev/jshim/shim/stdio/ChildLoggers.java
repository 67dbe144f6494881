package dev.jshim.shim.stdio;

import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.ExitedChild;
import dev.jshim.linux.Fd;
import dev.jshim.linux.ProcessId;
import dev.jshim.linux.Processes;
import dev.jshim.linux.Spawn;
import dev.jshim.linux.Wait;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;

/** Loggers as children of the test, waited for by their pids, as it must be beside the runner's own children. */
final class ChildLoggers implements LoggerLauncher {
    private final List<Running> started = new ArrayList<>();

    private record Child(int pid, CompletableFuture<ExitedChild> ended) implements Running {
        @Override
        public void signal(int signal) throws ErrnoException {
            if (!ended.isDone()) {
                Processes.kill(pid, signal);
            }
        }
    }

    List<Running> started() {
        return started;
    }

    @Override
    public Running start(Path program, List<String> arguments, List<Fd> descriptors) throws ErrnoException {
        var spawn = Spawn.command(program.toString(), arguments)
                .environment(List.of("CONTAINER_ID=box", "PATH=/usr/bin:/bin"));
        for (var i = 0; i < descriptors.size(); i++) {
            spawn.extra(descriptors.get(i), 3 + i);
        }
        var pid = spawn.start();
        var child = new Child(pid, new CompletableFuture<>());
        Thread.ofPlatform().daemon().start(() -> await(child));
        started.add(child);
        return child;
    }

    private static void await(Child child) {
        try {
            child.ended().complete(Wait.pid(child.pid(), true));
        } catch (ErrnoException e) {
            child.ended().completeExceptionally(e);
        }
    }

    /** One that is no child of this process: its end is seen, and its status is nobody's to know. */
    @Override
    public Running adopt(ProcessId logger) {
        var child = new Child(logger.pid(), new CompletableFuture<>());
        Thread.ofPlatform().daemon().start(() -> {
            while (logger.isAlive()) {
                LockSupport.parkNanos(Duration.ofMillis(2).toNanos());
            }
            child.ended().complete(new ExitedChild(logger.pid(), false, 255));
        });
        return child;
    }
}
