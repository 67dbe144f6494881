package dev.jshim.shim.stdio;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.Spawn;
import dev.jshim.linux.Wait;
import dev.jshim.shim.FifoClient;
import dev.jshim.shim.Until;
import dev.jshim.shim.keeper.FdStore;
import dev.jshim.task.Stdio;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is held of a process's streams, and what becomes of it. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class KeptStreamsTest {
    private static final String PREFIX = "io box - ";

    @TempDir
    Path folder;

    private final Map<String, Fd> held = new ConcurrentHashMap<>();
    private final FdStore store = new FdStore() {
        @Override
        public void keep(String name, Fd fd) {
            try {
                assertThat(held.put(name, fd.duplicate())).isNull();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void drop(String name) {
            var fd = held.remove(name);
            if (fd != null) {
                fd.close();
            }
        }
    };

    private Path in;
    private Path out;

    @BeforeEach
    void makeFifos() throws Exception {
        in = folder.resolve("in");
        out = folder.resolve("out");
        FileCalls.mkfifo(in, 0600);
        FileCalls.mkfifo(out, 0600);
    }

    @AfterEach
    void close() {
        held.values().forEach(Fd::close);
    }

    private KeptStreams kept() {
        return new KeptStreams(store, PREFIX);
    }

    private IoSettings settings() {
        var console = folder.resolve("console");
        return new IoSettings(new PumpLoop(), console, false, 0, 0, Duration.ZERO, new ChildLoggers(), kept());
    }

    private Stdio stdio() {
        return new Stdio(in.toString(), out.toString(), "", false);
    }

    /** What the store would give back to another process. */
    private Map<String, Fd> given() throws IOException {
        Map<String, Fd> given = new HashMap<>();
        for (var each : held.entrySet()) {
            given.put(each.getKey().substring(PREFIX.length()), each.getValue().duplicate());
        }
        return given;
    }

    private List<String> keys() {
        return held.keySet().stream()
                .map(name -> name.substring(PREFIX.length(), name.lastIndexOf('.')))
                .sorted()
                .toList();
    }

    @Test
    void whatIsOpenIsHeld() throws Exception {
        var client = FifoClient.open(out);
        var io = ProcessIo.open(stdio(), settings());
        assertThat(keys()).containsExactly("stdin-both", "stdin-pipe", "stdout-pipe", "stdout-spare", "stdout-writer");
        io.closeStdin();
        assertThat(keys())
                .containsExactly("stdin-pipe", "stdin-reader", "stdout-pipe", "stdout-spare", "stdout-writer");
        io.close();
        assertThat(held).isEmpty();
        client.close();
    }

    @Test
    void streamsThatAreOpenedOnceMoreHaveNoEndBetween() throws Exception {
        var client = FifoClient.open(out);
        client.setNonBlocking(true);
        var before = ProcessIo.open(stdio(), settings());
        var old = given();
        // A process that has died has closed its own.
        before.close();
        held.values().forEach(Fd::close);
        held.clear();
        old.forEach((name, fd) -> store.keep(PREFIX + name, fd));
        var io = ProcessIo.reopen(stdio(), settings(), old);
        // That of the output once it was read to its end, by the pump's thread.
        Until.holds("all are closed", () -> old.values().stream().noneMatch(Fd::isOpen));
        assertThat(client.tryRead(new byte[1])).as("nothing, and no end").isZero();
        var pid = Spawn.command("/bin/sh", List.of("-c", "read line; echo $line"))
                .stdin(io.stdin())
                .stdout(io.stdout())
                .start();
        io.started();
        Files.writeString(in, "word\n");
        var _ = Wait.pid(pid, true);
        io.exited();
        var text = new byte[5];
        Until.holds("the output comes", () -> client.tryRead(text) > 0);
        assertThat(new String(text, UTF_8)).isEqualTo("word\n");
        io.close();
        Until.holds("nothing is held", held::isEmpty);
        client.close();
    }

    @Test
    void whatIsOfNoProcessIsGivenUp() throws Exception {
        var client = FifoClient.open(out);
        var io = ProcessIo.open(stdio(), settings());
        var writer = Objects.requireNonNull(io.stdout()).duplicate();
        var old = given();
        io.close();
        old.forEach((name, fd) -> store.keep(PREFIX + name, fd));
        ProcessIo.discard(settings(), old);
        assertThat(keys()).as("somebody may still write").containsExactly("discarded");
        writer.close();
        Until.holds("nothing is held", held::isEmpty);
        client.close();
    }

    /** One that was closed late, of the process that had the name before. */
    @Test
    void theNewerOneCounts() throws Exception {
        var streams = kept();
        try (var first = FileCalls.pipe();
                var second = FileCalls.pipe()) {
            streams.keep("stdout-pipe", first.readEnd());
            streams.keep("stdout-pipe", second.readEnd());
            var adopted = kept().adopt(given());
            assertThat(adopted).hasSize(2);
            var found = FileCalls.fstat(Objects.requireNonNull(adopted.get("stdout-pipe")));
            assertThat(found.inode())
                    .isEqualTo(FileCalls.fstat(second.readEnd()).inode());
            first.readEnd().close();
            assertThat(keys()).containsExactly("stdout-pipe");
            adopted.values().forEach(Fd::close);
        }
    }
}
