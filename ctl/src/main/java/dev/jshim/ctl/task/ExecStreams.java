package dev.jshim.ctl.task;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.CliException;
import dev.jshim.ctl.output.StreamWriter;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFiles;
import dev.jshim.linux.OpenFlags;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * The FIFOs of an exec, in a directory of their own, and the threads that move their bytes: platform threads, since
 * opening a FIFO blocks until the shim has opened its other end.
 */
final class ExecStreams implements AutoCloseable {
    private static final Path PARENT = Path.of("/run/jshim");
    private static final int CHUNK = 64 * 1024;
    private static final File NOWHERE = new File("/dev/null");

    private final Path directory;
    private final List<Path> outputs;
    private final List<Thread> readers;
    private volatile boolean isLeft;

    private ExecStreams(Path directory, List<Path> outputs, List<Thread> readers) {
        this.directory = directory;
        this.outputs = outputs;
        this.readers = readers;
    }

    /** @param withStderr a terminal has none of its own */
    static ExecStreams open(Cli cli, boolean withStdin, boolean withStderr) {
        try {
            var mode = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
            Files.createDirectories(PARENT, mode); // which another one may do at the same time
            var directory = Files.createTempDirectory(PARENT, "exec", mode);
            var outputs = withStderr
                    ? List.of(directory.resolve("stdout"), directory.resolve("stderr"))
                    : List.of(directory.resolve("stdout"));
            for (var fifo : outputs) {
                FileCalls.mkfifo(fifo, 0600);
            }
            if (withStdin) {
                FileCalls.mkfifo(directory.resolve("stdin"), 0600);
            }
            var readers = new ArrayList<Thread>();
            for (var fifo : outputs) {
                readers.add(reader(fifo, fifo.endsWith("stdout") ? cli.out() : cli.err()));
            }
            return new ExecStreams(directory, outputs, readers);
        } catch (IOException e) {
            throw CliException.failed("the streams cannot be made: " + e.getMessage(), "");
        }
    }

    String stdout() {
        return outputs.get(0).toString();
    }

    /** Empty if there is none. */
    String stderr() {
        return outputs.size() < 2 ? "" : outputs.get(1).toString();
    }

    /** Empty if there is none. */
    String stdin() {
        var fifo = directory.resolve("stdin");
        return Files.exists(fifo) ? fifo.toString() : "";
    }

    /**
     * Moves our own stdin to the process.
     *
     * @param atEnd called when it has ended
     * @param onLeave called when the keys were typed; no more is read then
     */
    void feed(InputStream from, DetachKeys keys, Runnable atEnd, Runnable onLeave) {
        var fifo = directory.resolve("stdin");
        Thread.ofPlatform().daemon().name("exec-stdin").start(() -> {
            try (var to = new FileOutputStream(fifo.toFile())) {
                if (copy(from, to, keys)) {
                    onLeave.run();
                    return;
                }
            } catch (IOException e) {
                // the process has ended, or closed it: nobody is left to tell
                return;
            }
            atEnd.run();
        });
    }

    private static boolean copy(InputStream from, OutputStream to, DetachKeys keys) throws IOException {
        var buffer = new byte[CHUNK];
        var passed = new ByteArrayOutputStream();
        for (var count = from.read(buffer); count >= 0; count = from.read(buffer)) {
            var isLeft = keys.pass(buffer, count, passed);
            passed.writeTo(to);
            passed.reset();
            if (isLeft) {
                return true;
            }
        }
        return false;
    }

    /**
     * Leaves the process to itself. Its output would stop it if nobody read it, so that a program of the system's does
     * until it ends, and then removes the FIFOs.
     */
    void leave() {
        isLeft = true;
        try {
            var _ = OpenFiles.start(new ProcessBuilder(
                            "setsid",
                            "sh",
                            "-c",
                            "cat <\"$1/stdout\" >/dev/null; rm -f \"$1\"/std*; rmdir \"$1\"",
                            "sh",
                            directory.toString())
                    .redirectInput(NOWHERE)
                    .redirectOutput(NOWHERE)
                    .redirectError(NOWHERE));
        } catch (IOException e) {
            throw CliException.failed("cannot leave a process behind to read its output: " + e.getMessage(), "");
        }
    }

    /** Waits until all output has come, or as long as is said: a child of the process may hold it open. */
    void drain(Duration most) {
        try {
            for (var reader : readers) {
                reader.join(most);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        if (isLeft) {
            return;
        }
        outputs.forEach(this::release);
        for (var name : List.of("stdin", "stdout", "stderr")) {
            delete(directory.resolve(name));
        }
        delete(directory);
    }

    /** A reader that still waits for a writer gets one, and so the end of the file. */
    private void release(Path fifo) {
        try (var end = FileCalls.open(fifo, OpenFlags.O_RDWR | OpenFlags.O_NONBLOCK, 0)) {
            drain(end.isOpen() ? Duration.ofMillis(1) : Duration.ZERO);
        } catch (ErrnoException e) {
            // the folder is gone: so is whoever waited
            return;
        }
    }

    private static void delete(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            path.toFile().deleteOnExit();
        }
    }

    private static Thread reader(Path fifo, PrintWriter to) {
        return Thread.ofPlatform().daemon().name("exec-" + fifo.getFileName()).start(() -> {
            try (var from = new FileInputStream(fifo.toFile())) {
                copy(from, to);
            } catch (IOException e) {
                to.println("jshimctl: " + fifo.getFileName() + " is lost: " + e.getMessage());
            }
        });
    }

    private static void copy(InputStream from, PrintWriter to) throws IOException {
        if (to instanceof StreamWriter writer) {
            writer.flush();
            OutputStream stream = writer.stream();
            var buffer = new byte[CHUNK];
            for (var count = from.read(buffer); count >= 0; count = from.read(buffer)) {
                stream.write(buffer, 0, count);
                stream.flush();
            }
        } else {
            to.print(new String(from.readAllBytes(), StandardCharsets.UTF_8));
        }
    }
}
