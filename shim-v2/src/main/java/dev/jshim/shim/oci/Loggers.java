package dev.jshim.shim.oci;

import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.ExitedChild;
import dev.jshim.linux.Fd;
import dev.jshim.linux.ProcessId;
import dev.jshim.linux.Spawn;
import dev.jshim.shim.stdio.LoggerLauncher;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Starts the loggers of one process as children of the reaper. As under runc's own shim (process/io_util.go, v2.1.9) a
 * logger has two variables and nothing else, not even PATH.
 *
 * @param bundle where it is started
 * @param id the id that it gets of the process whose output it is: the container's, or the exec's
 */
record Loggers(Reaper reaper, String namespace, Path bundle, String id) implements LoggerLauncher {
    private static final int FIRST_DESCRIPTOR = 3;

    @Override
    public Running start(Path program, List<String> arguments, List<Fd> descriptors) throws ErrnoException {
        var spawn = Spawn.command(program.toString(), arguments)
                .directory(bundle)
                .environment(List.of("CONTAINER_ID=" + id, "CONTAINER_NAMESPACE=" + namespace));
        for (var i = 0; i < descriptors.size(); i++) {
            spawn.extra(descriptors.get(i), FIRST_DESCRIPTOR + i);
        }
        try (var window = reaper.open()) {
            var pid = spawn.start();
            window.spawned();
            return new Child(reaper, pid, window.claim(pid));
        }
    }

    /** One that a process before this one has started. */
    @Override
    public Running adopt(ProcessId process) {
        var ended = reaper.adopt(process);
        var _ = ended.thenAccept(_ -> reaper.forget(process));
        return new Child(reaper, process.pid(), ended);
    }

    private record Child(Reaper reaper, int pid, CompletableFuture<ExitedChild> ended) implements Running {
        @Override
        public void signal(int signal) throws ErrnoException {
            var _ = reaper.signal(pid, signal);
        }
    }
}
