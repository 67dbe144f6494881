package dev.jshim.shim.stdio;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import dev.jshim.linux.Processes;
import dev.jshim.linux.Spawn;
import dev.jshim.linux.Wait;
import dev.jshim.shim.FifoClient;
import dev.jshim.task.Stdio;
import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.zip.CRC32;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Real FIFOs, real processes. The test waits for each of its children by its pid, as it must beside the runner's. */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PipeIoTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final PumpLoop LOOP = new PumpLoop();
    /** Of a pipe: what is moved into it takes one, however small it is. */
    private static final int SLOTS = 16;

    @TempDir
    Path folder;

    private Path in;
    private Path out;
    private Path err;

    @BeforeEach
    void makeFifos() throws Exception {
        in = fifo("in");
        out = fifo("out");
        err = fifo("err");
    }

    private Path fifo(String name) throws Exception {
        var path = folder.resolve(name);
        FileCalls.mkfifo(path, 0600);
        return path;
    }

    private static ProcessIo open(String in, String out, String err, boolean passThrough) {
        return PipeIo.open(new Stdio(in, out, err, false), settings(passThrough, 0, 0));
    }

    private static IoSettings settings(boolean passThrough, int uid, int gid) {
        return settings(passThrough, uid, gid, Duration.ZERO);
    }

    private static IoSettings settings(boolean passThrough, int uid, int gid, Duration background) {
        return new IoSettings(
                LOOP, Path.of("/nowhere"), passThrough, uid, gid, background, new ChildLoggers(), KeptStreams.NONE);
    }

    private static void waitUntil(Callable<Boolean> condition) throws Exception {
        var deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.call()) {
            assertThat(System.nanoTime()).as("in time").isLessThan(deadline);
            LockSupport.parkNanos(100_000);
        }
    }

    private static int run(ProcessIo io, String script) throws Exception {
        var pid = Spawn.command("/bin/sh", List.of("-c", script))
                .stdin(io.stdin())
                .stdout(io.stdout())
                .stderr(io.stderr())
                .start();
        io.started();
        return pid;
    }

    /** On a platform thread: to open a FIFO is to wait for its other end. */
    private static <T> CompletableFuture<T> async(Callable<T> work) {
        var result = new CompletableFuture<T>();
        Thread.ofPlatform().daemon().start(() -> {
            try {
                result.complete(work.call());
            } catch (Exception e) {
                result.completeExceptionally(e);
            }
        });
        return result;
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }

    private static int exitStatus(int pid) throws Exception {
        return get(async(() -> Wait.pid(pid, true).exitStatus()));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void movesEveryByteBothWays(boolean passThrough) throws Exception {
        var client = FifoClient.open(out);
        var io = open(in.toString(), out.toString(), "", passThrough);
        var received = async(() -> {
            var sum = new CRC32();
            FifoClient.read(client, (buffer, n) -> sum.update(buffer, 0, n));
            return sum.getValue();
        });
        var pid = run(io, "exec cat");
        var sent = async(() -> {
            var sum = new CRC32();
            var random = new Random(7);
            try (var stream = Files.newOutputStream(in)) {
                for (var left = 64 << 20; left > 0; ) {
                    var chunk = new byte[Math.min(left, 1 + random.nextInt(200_000))];
                    random.nextBytes(chunk);
                    sum.update(chunk);
                    stream.write(chunk);
                    left -= chunk.length;
                }
                io.closeStdin();
            }
            return sum.getValue();
        });
        assertThat(exitStatus(pid)).isZero();
        io.exited();
        assertThat(get(received)).isEqualTo(get(sent));
        assertThat(io.awaitDrained(PATIENCE)).isTrue();
        io.close();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aReaderMayGoAndAnotherCome(boolean passThrough) throws Exception {
        var first = FifoClient.open(out);
        var io = open("", out.toString(), "", passThrough);
        first.close();
        var pid = run(io, "i=0; while [ $i -lt 30000 ]; do echo $i; i=$((i+1)); done");
        var exit = async(() -> {
            var status = Wait.pid(pid, true).exitStatus();
            io.exited();
            return status;
        });
        var text = get(async(() -> {
            var all = new ByteArrayOutputStream();
            for (var ended = false; !ended; ) {
                // Each reads a little and goes. What it did not take is the next one's.
                try (var stream = Files.newInputStream(out)) {
                    // The last one comes while the process cannot have ended yet: more is left than FIFO and pipe hold.
                    ended = all.size() > 20_000;
                    all.write(ended ? stream.readAllBytes() : stream.readNBytes(5000));
                }
            }
            return all.toString(UTF_8);
        }));
        var lines = text.lines().toList();
        assertThat(lines).hasSize(30000);
        for (var i = 0; i < lines.size(); i++) {
            assertThat(lines.get(i)).isEqualTo(Integer.toString(i));
        }
        assertThat(get(exit)).as("not killed by SIGPIPE").isZero();
        io.close();
    }

    @Test
    void stdinEndsWhenShimAndClientsHaveClosedIt() throws Exception {
        var client = FifoClient.open(out);
        var io = open(in.toString(), out.toString(), "", false);
        var received = async(() -> FifoClient.text(client));
        var pid = run(io, "exec cat");
        // A client that detaches, and one that attaches later: no end between them.
        Files.writeString(in, "a");
        Files.writeString(in, "b");
        try (var last = Files.newOutputStream(in)) {
            io.closeStdin();
            last.write('c');
            last.flush();
            last.write('d');
        }
        assertThat(exitStatus(pid)).isZero();
        io.exited();
        assertThat(get(received)).isEqualTo("abcd");
        io.close();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void outputEndsWithTheProcess(boolean passThrough) throws Exception {
        var outClient = FifoClient.open(out);
        var errClient = FifoClient.open(err);
        var io = open("", out.toString(), err.toString(), passThrough);
        var output = async(() -> FifoClient.text(outClient));
        var errors = async(() -> FifoClient.text(errClient));
        var pid = run(io, "echo out; echo err >&2; exit 3");
        assertThat(exitStatus(pid)).isEqualTo(3);
        io.exited();
        assertThat(get(output)).isEqualTo("out\n");
        assertThat(get(errors)).isEqualTo("err\n");
        assertThat(io.awaitDrained(PATIENCE)).isTrue();
        io.close();
    }

    @Test
    void whatIsLeftInTheBackgroundHoldsUpNobody() throws Exception {
        var background = folder.resolve("pid");
        var client = FifoClient.open(out);
        var io = open("", out.toString(), "", false);
        var output = async(() -> FifoClient.text(client));
        var pid = run(io, "sleep 100 & echo $! >" + background + "; echo x");
        assertThat(exitStatus(pid)).isZero();
        io.exited();
        try {
            assertThat(io.awaitDrained(Duration.ofMillis(100))).isFalse();
            assertThat(output).isNotDone();
            io.close();
            assertThat(get(output)).isEqualTo("x\n");
            assertThat(io.awaitDrained(PATIENCE)).isTrue();
        } finally {
            Processes.kill(Integer.parseInt(Files.readString(background).strip()), Processes.SIGKILL);
        }
    }

    @Test
    void whatIsLeftInTheBackgroundMayWriteOn() throws Exception {
        var go = folder.resolve("go");
        var alive = folder.resolve("alive");
        var client = FifoClient.open(out);
        var io = open("", out.toString(), "", false);
        var output = async(() -> FifoClient.text(client));
        var script = "(until [ -e " + go + " ]; do sleep 0.1; done; head -c 200000 /dev/zero && echo yes >" + alive
                + ") & echo x";
        assertThat(exitStatus(run(io, script))).isZero();
        io.exited();
        assertThat(io.awaitDrained(Duration.ofMillis(100))).isFalse();
        io.close();
        assertThat(get(output)).isEqualTo("x\n");
        Files.createFile(go);
        waitUntil(() -> Files.exists(alive) && Files.size(alive) == 4);
    }

    @Test
    void whatIsLeftInTheBackgroundIsWaitedFor() throws Exception {
        var client = FifoClient.open(out);
        var settings = settings(false, 0, 0, PATIENCE);
        var io = PipeIo.open(new Stdio("", out.toString(), "", false), settings);
        var output = async(() -> FifoClient.text(client));
        assertThat(exitStatus(run(io, "(sleep 1; echo late) & echo now"))).isZero();
        io.exited();
        assertThat(io.awaitDrained(Duration.ofMillis(50))).isTrue();
        io.close();
        assertThat(get(output)).isEqualTo("now\nlate\n");
    }

    /** As lines that come one by one: while the FIFO takes them each is moved before the next is written. */
    @Test
    void manySmallPiecesFitIntoAFifoThatNobodyReads() throws Exception {
        var client = FifoClient.open(out);
        var io = open("", out.toString(), "", false);
        var process = Objects.requireNonNull(io.stdout()).duplicate();
        process.setNonBlocking(true);
        io.started();
        var line = "x".repeat(63) + "\n";
        for (var i = 0; i < 2000; i++) {
            process.writeFully(line.getBytes(UTF_8));
            if (i < SLOTS) {
                waitUntil(() -> FileCalls.unread(process) == 0);
            } else if (i == SLOTS) {
                waitUntil(() -> FileCalls.pipeCapacity(process) > SLOTS * 4096);
            }
        }
        io.close();
        var begin = FifoClient.text(client);
        assertThat(begin).as("also if it is cut").isEqualTo(line.repeat(2000));
        process.close();
    }

    @Test
    void manySmallPiecesAreThereForAClientThatComesLate() throws Exception {
        var client = FifoClient.open(out);
        var io = open("", out.toString(), "", false);
        var process = Objects.requireNonNull(io.stdout()).duplicate();
        io.started();
        var line = "x".repeat(63) + "\n";
        for (var i = 0; i < 900; i++) {
            process.writeFully(line.getBytes(UTF_8));
            if (i < SLOTS) {
                waitUntil(() -> FileCalls.unread(process) == 0);
            }
        }
        process.close();
        io.exited();
        assertThat(io.awaitDrained(PATIENCE)).isTrue();
        io.close();
        assertThat(get(async(() -> FifoClient.text(client)))).isEqualTo(line.repeat(900));
    }

    /** ctr closes its ends of an exec's FIFOs when Delete is answered, whatever is in them. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatAClientHasNotReadYetIsWaitedFor(boolean passThrough) throws Exception {
        var client = FifoClient.open(out);
        var io = open("", out.toString(), "", passThrough);
        assertThat(exitStatus(run(io, "head -c 50000 /dev/zero"))).isZero();
        io.exited();
        var drained = async(() -> io.awaitDrained(PATIENCE));
        LockSupport.parkNanos(Duration.ofMillis(300).toNanos());
        assertThat(drained).isNotDone();
        var some = new byte[40_000];
        assertThat(client.read(some, 0, some.length)).isEqualTo(some.length);
        LockSupport.parkNanos(Duration.ofMillis(300).toNanos());
        assertThat(drained).isNotDone();
        assertThat(client.read(some, 0, some.length)).isEqualTo(10_000);
        assertThat(get(drained)).isTrue();
        io.close();
        assertThat(client.read(some, 0, 1)).as("the end").isEqualTo(-1);
        client.close();
    }

    @Test
    void aClientThatIsGoneIsNotWaitedFor() throws Exception {
        var client = FifoClient.open(out);
        var io = open("", out.toString(), "", false);
        client.close();
        assertThat(exitStatus(run(io, "exec head -c 100000 /dev/zero"))).isZero();
        io.exited();
        assertThat(io.awaitDrained(Duration.ofMillis(50))).as("given up").isTrue();
        io.close();
    }

    @Test
    void aSlowClientIsWaitedForAndNotOneThatIsGone() throws Exception {
        var client = FifoClient.open(out);
        var io = open("", out.toString(), "", false);
        // More than the FIFO holds, so that the pipe is not empty before its client reads, and less than both together.
        var pid = run(io, "exec head -c 80000 /dev/zero");
        assertThat(exitStatus(pid)).isZero();
        io.exited();
        // Not shorter: where the machine is busy the pump itself does not run for a while.
        var drained = async(() -> io.awaitDrained(Duration.ofSeconds(1)));
        LockSupport.parkNanos(Duration.ofMillis(1500).toNanos()); // slower than its patience
        assertThat(drained).isNotDone();
        var got = async(() -> {
            var count = new AtomicInteger();
            FifoClient.read(client, (_, n) -> count.addAndGet(n));
            return count.get();
        });
        assertThat(get(drained)).isTrue();
        assertThat(get(got)).isEqualTo(80_000);
        io.close();
    }

    @Test
    void aProcessNeedNotReadItsStdin() throws Exception {
        var io = open(in.toString(), "", "", false);
        var pid = run(io, "exit 0");
        assertThat(exitStatus(pid)).isZero();
        io.exited();
        io.close();
        // The client's end breaks, or finds nobody: it must not hang.
        get(async(() -> {
            try (var client = FileCalls.open(in, OpenFlags.O_RDWR | OpenFlags.O_NONBLOCK, 0)) {
                return client.write(new byte[10], 0, 10);
            }
        }));
    }

    @Test
    void appendsToAFile() throws Exception {
        var log = folder.resolve("logs/deep/box.log");
        for (var line : List.of("first", "second")) {
            var io = open("", "file://" + log, "file://" + log, true);
            var pid = run(io, "echo " + line + "; echo bad >&2");
            assertThat(exitStatus(pid)).isZero();
            io.exited();
            assertThat(io.awaitDrained(PATIENCE)).isTrue();
            io.close();
        }
        assertThat(Files.readAllLines(log)).containsExactlyInAnyOrder("first", "bad", "second", "bad");
    }

    @Test
    void theContainerNeverHoldsTheFileItself() throws Exception {
        var log = folder.resolve("box.log");
        Files.writeString(log, "kept\n");
        var io = open("", "file://" + log, "", true);
        var pid = run(io, "echo more; : >/proc/self/fd/1; echo again");
        assertThat(exitStatus(pid)).isZero();
        io.exited();
        assertThat(io.awaitDrained(PATIENCE)).isTrue();
        assertThat(log).hasContent("kept\nmore\nagain\n");
        io.close();
    }

    @Test
    void aFullDiskDoesNotKillTheProcess() throws Exception {
        var io = open("", "file:///dev/full", "", false);
        var pid = run(io, "head -c 1000000 /dev/zero && exit 5");
        assertThat(exitStatus(pid)).isEqualTo(5);
        io.exited();
        assertThat(io.awaitDrained(PATIENCE)).isTrue();
        io.close();
    }

    @Test
    void readsStdinFromAFile() throws Exception {
        var file = folder.resolve("input");
        Files.writeString(file, "from a file");
        var client = FifoClient.open(out);
        var io = open(file.toString(), out.toString(), "", true);
        var output = async(() -> FifoClient.text(client));
        var pid = run(io, "exec cat");
        assertThat(exitStatus(pid)).isZero();
        io.exited();
        assertThat(get(output)).isEqualTo("from a file");
        io.close();
    }

    /** The runtime gives a process's streams to its user, who may open them again for writing. */
    @Test
    void theContainerNeverHoldsTheFileOfItsStdin() throws Exception {
        var file = folder.resolve("input");
        Files.write(file, new byte[300_000]);
        for (var name : List.of(file.toString(), "file://" + file, "/dev/zero", "/proc/cpuinfo")) {
            var io = open(name, "", "", true);
            assertThat(FileCalls.fstat(Objects.requireNonNull(io.stdin())).isFifo())
                    .isTrue();
            var pid = run(io, "test $(head -c 300000 | wc -c) -ge " + (name.startsWith("/proc") ? 100 : 300_000));
            assertThat(exitStatus(pid)).as(name).isZero();
            io.exited();
            io.close();
        }
    }

    @Test
    void aFifoIsHandedOverOnlyWhereItIsRootsAlone() throws Exception {
        assertThat(isHandedOver()).isTrue();
        FileCalls.chmod(folder, 0755);
        assertThat(isHandedOver()).as("somebody else may come there").isFalse();
        FileCalls.chmod(folder, 0700);
        FileCalls.chown(out, 7, 0);
        assertThat(isHandedOver()).as("the runtime would give it to root").isFalse();
    }

    private boolean isHandedOver() throws Exception {
        var client = FifoClient.open(out);
        var io = open("", out.toString(), "", true);
        var inode = FileCalls.fstat(Objects.requireNonNull(io.stdout())).inode();
        io.close();
        client.close();
        return inode == FileCalls.stat(out).inode();
    }

    @Test
    void emptyIsNothing() throws Exception {
        var io = open("", "", "", true);
        assertThat(io.stdin()).isNull();
        assertThat(io.stdout()).isNull();
        assertThat(exitStatus(run(io, "read line; echo lost; exit 6"))).isEqualTo(6);
        io.exited();
        io.closeStdin();
        io.close();
        io.close();
    }

    @Test
    void waitsForAClientButNotForEver() throws Exception {
        var opening = async(() -> open("", out.toString(), "", true));
        var output = async(() -> Files.readString(out));
        var io = get(opening);
        assertThat(exitStatus(run(io, "echo all of it"))).isZero();
        io.exited();
        assertThat(get(output)).isEqualTo("all of it\n");
        io.close();
        open("", out.toString(), "", true).close();
    }

    @Test
    void givesThePipesToTheirOwner() throws Exception {
        var reader = FifoClient.open(out);
        var io = PipeIo.open(new Stdio(in.toString(), out.toString(), "", false), settings(false, 7, 8));
        for (Fd fd : new Fd[] {io.stdin(), io.stdout()}) {
            assertThat(FileCalls.fstat(fd).uid()).isEqualTo(7);
            assertThat(FileCalls.fstat(fd).gid()).isEqualTo(8);
        }
        reader.close();
        io.close();
    }
}
