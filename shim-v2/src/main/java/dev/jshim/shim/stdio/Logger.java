package dev.jshim.shim.stdio;

import dev.jshim.linux.Deadline;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.ExitedChild;
import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.Pipe;
import dev.jshim.linux.ProcessId;
import dev.jshim.linux.Processes;
import dev.jshim.shim.stdio.KeptStreams.Keys;
import dev.jshim.task.ShimException;
import dev.jshim.task.ShimLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A program that takes the output of one process from two pipes, which it finds as descriptors 3 and 4; on 5 it says
 * that it is ready (process/io.go NewBinaryIO, v2.1.9, and for `binary-v2` v2.3.0). Thread-safe.
 *
 * <p>The shim keeps the pipes' reading ends and never reads them while the logger lives. So a logger that dies does not
 * take the process along by SIGPIPE, as it does under runc's own shim: the shim then throws away what it would have
 * read. The writing ends are the process's alone, so that the logger sees the end of the output with the process's.
 */
final class Logger {
    /** How long one may take to be ready; containerd's own shim waits forever. */
    static final Duration READY = Duration.ofSeconds(10);

    private static final Duration LOOK = Duration.ofMillis(2);

    /** How long one that has closed its descriptors may take to end. */
    private static final Duration STATUS = Duration.ofSeconds(1);

    /** What containerd's own shim leaves a logger between SIGTERM and SIGKILL (binaryIOProcTermTimeout). */
    private static final Duration LAST_WORDS = Duration.ofSeconds(12);

    private final IoSettings settings;
    private final String program;
    private final LoggerLauncher.Running process;
    /** What the process gets, until it has it. */
    private final List<Fd> writers;

    private final List<Fd> readers;
    private boolean closed;

    private Logger(
            IoSettings settings,
            String program,
            LoggerLauncher.Running process,
            List<Fd> writers,
            Collection<Fd> readers) {
        this.settings = settings;
        this.program = program;
        this.process = process;
        this.writers = List.copyOf(writers);
        this.readers = new ArrayList<>(readers);
        var _ = process.ended().thenAccept(this::ended);
    }

    /**
     * Starts one and waits until it is ready.
     *
     * @param patience how long it may take
     * @throws ShimException if it ends before that or takes longer; it has been killed then
     */
    static Logger start(IoSettings settings, Sink.Binary binary, Duration patience) throws IOException {
        List<Pipe> pipes = new ArrayList<>();
        LoggerLauncher.@Nullable Running process = null;
        try {
            for (var i = 0; i < 3; i++) {
                pipes.add(FileCalls.pipe());
            }
            var ready = pipes.get(2);
            var theirs = List.of(pipes.get(0).readEnd(), pipes.get(1).readEnd(), ready.writeEnd());
            process = launch(settings.loggers(), binary, theirs);
            ready.writeEnd().close();
            awaitReady(binary, process, ready.readEnd(), patience);
            ready.close();
            var readers = List.of(pipes.get(0).readEnd(), pipes.get(1).readEnd());
            keep(settings.kept(), ProcessId.of(process.pid()), readers);
            var writers = List.of(pipes.get(0).writeEnd(), pipes.get(1).writeEnd());
            return new Logger(settings, binary.program().toString(), process, writers, readers);
        } catch (IOException | RuntimeException e) {
            pipes.forEach(Pipe::close);
            if (process != null) {
                signal(process, Processes.SIGKILL);
            }
            throw e;
        }
    }

    private static void keep(KeptStreams kept, ProcessId process, List<Fd> readers) {
        kept.keep(Keys.STDOUT + key(process), readers.get(0));
        kept.keep(Keys.STDERR + key(process), readers.get(1));
    }

    private static String key(ProcessId process) {
        return Keys.LOGGER + process.pid() + "-" + process.startTicks();
    }

    private static ProcessId process(String key) {
        var words =
                key.substring(key.indexOf(Keys.LOGGER) + Keys.LOGGER.length()).split("-", 2);
        return new ProcessId(Integer.parseInt(words[0]), Long.parseLong(words[1]));
    }

    /**
     * The logger of a JVM before this one, as it is after {@link #handedOver}.
     *
     * @param left what was kept, from which its part is taken
     * @return null if there is none
     */
    static @Nullable Logger restore(IoSettings settings, Map<String, Fd> left) {
        var process = left.keySet().stream()
                .filter(key -> key.contains(Keys.LOGGER))
                .map(Logger::process)
                .findAny()
                .orElse(null);
        if (process == null) {
            return null;
        }
        List<Fd> readers = new ArrayList<>();
        for (var stream : List.of(Keys.STDOUT, Keys.STDERR)) {
            var reader = left.remove(stream + key(process));
            if (reader != null) {
                readers.add(reader);
            }
        }
        return new Logger(settings, "of before", settings.loggers().adopt(process), List.of(), readers);
    }

    private static LoggerLauncher.Running launch(LoggerLauncher launcher, Sink.Binary binary, List<Fd> theirs)
            throws IOException {
        try {
            return launcher.start(binary.program(), binary.arguments(), theirs);
        } catch (ErrnoException e) {
            throw new IOException("logger " + binary.program() + " cannot be run: " + e.errno(), e);
        }
    }

    private static void awaitReady(Sink.Binary binary, LoggerLauncher.Running process, Fd ready, Duration patience)
            throws IOException {
        ready.setNonBlocking(true);
        var deadline = Deadline.in(patience);
        var one = new byte[1];
        int count;
        while ((count = ready.tryRead(one)) == 0) {
            if (deadline.isOver()) {
                throw new ShimException(
                        ShimException.Kind.DEADLINE_EXCEEDED,
                        "logger " + binary.program() + " was not ready within " + patience.toMillis()
                                + " ms: it has to close descriptor 5 when it is");
            }
            LockSupport.parkNanos(LOOK.toNanos());
        }
        // A program that ends closes its descriptors a moment before it can be waited for.
        if (count < 0 && (binary.mustReport() || !hasOutput(process))) {
            refuse(binary, statusOf(process));
        }
    }

    private static boolean hasOutput(LoggerLauncher.Running process) {
        return Files.exists(Path.of("/proc/" + process.pid() + "/fd/3"), LinkOption.NOFOLLOW_LINKS);
    }

    private static @Nullable ExitedChild statusOf(LoggerLauncher.Running process) {
        var ended = process.ended();
        // That of one which has ended does come, however busy the machine is.
        var isKnown = await(ended, STATUS) || (hasEnded(process.pid()) && await(ended, READY));
        return isKnown ? ended.getNow(null) : null;
    }

    /** Reaped or not, such a process has no program any more. */
    private static boolean hasEnded(int pid) {
        try {
            Files.readSymbolicLink(Path.of("/proc/" + pid + "/exe"));
            return false;
        } catch (IOException e) {
            return true;
        }
    }

    /** One that ended well may have left a child that does its work. */
    private static void refuse(Sink.Binary binary, @Nullable ExitedChild end) {
        if (end != null && end.exitStatus() != 0) {
            throw new ShimException(
                    ShimException.Kind.UNKNOWN,
                    "logger " + binary.program() + " ended with status " + end.exitStatus() + " before it was ready");
        }
        if (binary.mustReport()) {
            throw new ShimException(
                    ShimException.Kind.UNKNOWN,
                    "logger " + binary.program() + " did not say that it is ready: binary-v2 asks for a byte on"
                            + " descriptor 5 before it is closed, binary does not");
        }
    }

    /** For the process; it stays the logger's until {@link #handedOver}. */
    Fd stdout() {
        return writers.get(0);
    }

    /** For the process; it stays the logger's until {@link #handedOver}. */
    Fd stderr() {
        return writers.get(1);
    }

    /** To be called when the process has what it needs. */
    void handedOver() {
        writers.forEach(Fd::close);
    }

    /** Completes when it has ended. */
    CompletableFuture<ExitedChild> ended() {
        return process.ended();
    }

    /** The end of the output is what it normally ends with. If there is more, somebody has to take it. */
    private synchronized void ended(ExitedChild end) {
        var lost = false;
        for (var reader : readers) {
            lost |= !drain(reader);
        }
        readers.clear();
        if (lost && !closed) {
            ShimLog.warn("logger ended, output is lost", "logger", program, "status", end.exitStatus());
        }
    }

    /** Answers whether there was nothing to drain. */
    private boolean drain(Fd reader) {
        try {
            reader.setNonBlocking(true);
            if (reader.tryRead(new byte[1]) < 0) {
                reader.close();
                return true;
            }
            settings.loop().discard(settings.kept(), reader);
        } catch (ErrnoException e) {
            reader.close();
            ShimLog.warn("cannot drain the output that a logger left", "logger", program, "error", e.getMessage());
        }
        return false;
    }

    /**
     * A logger that has not ended gets SIGTERM, and SIGKILL if it has not 12 s later; blocks until then. What the
     * process has left in the background, and still writes, is then thrown away.
     */
    void close() {
        handedOver();
        synchronized (this) {
            closed = true;
        }
        if (process.ended().isDone()) {
            return;
        }
        signal(process, Processes.SIGTERM);
        if (!await(process.ended(), LAST_WORDS)) {
            ShimLog.warn("logger did not exit after SIGTERM; killing it", "logger", program, "pid", process.pid());
            signal(process, Processes.SIGKILL);
        }
    }

    private static void signal(LoggerLauncher.Running process, int signal) {
        try {
            process.signal(signal);
        } catch (ErrnoException e) {
            ShimLog.warn("cannot signal a logger", "pid", process.pid(), "error", e.getMessage());
        }
    }

    /** Whether it completes in time, and well. */
    static boolean await(CompletableFuture<?> future, Duration patience) {
        try {
            future.get(patience.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException | ExecutionException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
