package dev.jshim.shim.cgroup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** v1 on a real cgroup of this machine; v2 on recorded files, whose changes a real inotify tells of. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class OomWatchTest {
    private static final Duration QUIET = Duration.ofMillis(300);

    @TempDir
    Path root;

    private final OomWatch watch = new OomWatch();
    private final AtomicInteger told = new AtomicInteger();
    private final Path memory =
            Path.of("/sys/fs/cgroup/memory/jshim-oom-" + ProcessHandle.current().pid());

    @AfterEach
    void removeCgroup() throws IOException {
        Files.deleteIfExists(memory);
    }

    @Test
    @Tag("root")
    void tellsOnceOfAKillInARealCgroup() throws Exception {
        try (var listener = watch.open(realCgroup(), told::incrementAndGet)) {
            listener.begin();
            exhaust();
            until(() -> told.get() == 1);
            pause(QUIET);
            assertThat(told).hasValue(1);

            exhaust();
            until(() -> told.get() == 2);
        }
    }

    @Test
    @Tag("root")
    void tellsOnDemandBeforeTheKernelsSignalIsSeen() throws Exception {
        try (var listener = watch.open(realCgroup(), told::incrementAndGet)) {
            listener.begin();
            exhaust();
            // The kernel counts before it kills: whoever has seen the end finds it counted.
            listener.check();
            assertThat(told).hasValue(1);
            pause(QUIET);
            assertThat(told).hasValue(1);
        }
    }

    @Test
    @Tag("root")
    void aKillBeforeTheBeginIsToldThen() throws Exception {
        try (var listener = watch.open(realCgroup(), told::incrementAndGet)) {
            exhaust();
            pause(QUIET);
            assertThat(told).hasValue(0);
            listener.begin();
            assertThat(told).hasValue(1);
        }
    }

    @Test
    @Tag("root")
    void theRemovalOfTheCgroupIsNoKill() throws Exception {
        var before = descriptors();
        try (var listener = watch.open(realCgroup(), told::incrementAndGet)) {
            listener.begin();
            Files.delete(memory);
            pause(QUIET);
            listener.check();
        }
        assertThat(told).hasValue(0);
        assertThat(descriptors()).as("the epoll instance alone is left").isEqualTo(before + 1);
    }

    @Test
    void v2TellsOnceOfEachTimeTheCounterGrew() throws Exception {
        var events = recorded("low 0\nhigh 3\nmax 7\noom 1\noom_kill 1\n");
        try (var listener = watch.open(cgroup2(), told::incrementAndGet)) {
            listener.begin();
            pause(QUIET);
            assertThat(told).as("what was counted before").hasValue(0);

            Files.writeString(events, "low 0\nhigh 9\nmax 12\noom 1\noom_kill 1\n");
            pause(QUIET);
            assertThat(told).as("pressure is no kill").hasValue(0);

            Files.writeString(events, "low 0\nhigh 9\nmax 20\noom 4\noom_kill 4\noom_group_kill 0\n");
            until(() -> told.get() == 1);
            listener.check();
            assertThat(told).hasValue(1);
        }
        Files.writeString(events, "oom_kill 9\n");
        pause(QUIET);
        assertThat(told).as("after the close").hasValue(1);
    }

    @Test
    void v2TwoContainersOfOneCgroupAreBothTold() throws Exception {
        var events = recorded("oom_kill 0\n");
        var other = new AtomicInteger();
        try (var one = watch.open(cgroup2(), told::incrementAndGet)) {
            one.begin();
            try (var two = watch.open(cgroup2(), other::incrementAndGet)) {
                two.begin();
            }
            Files.writeString(events, "oom_kill 1\n");
            until(() -> told.get() == 1);
            assertThat(other).hasValue(0);
        }
    }

    @Test
    void v2TheRemovalOfTheCgroupIsNoKill() throws Exception {
        var events = recorded("oom_kill 2\n");
        try (var listener = watch.open(cgroup2(), told::incrementAndGet)) {
            listener.begin();
            Files.delete(events);
            pause(QUIET);
            listener.check();
        }
        assertThat(told).hasValue(0);
    }

    @Test
    void withoutACounterEachSignalCountsWhileTheCgroupExists() throws Exception {
        var file = Files.writeString(root.resolve("memory.oom_control"), "oom_kill_disable 0\nunder_oom 0\n");
        var listener = new OomListener(watch, new OomCounter(file), told::incrementAndGet);
        try (var signal = new dev.jshim.linux.EventFd()) {
            listener.signal = signal;
            listener.begin();
            assertThat(told).hasValue(0);
            signal.signal();
            listener.check();
            assertThat(told).hasValue(1);

            Files.delete(file);
            signal.signal();
            assertThat(listener.signalled()).isFalse();
            assertThat(told).hasValue(1);
        }
    }

    @Test
    void aCgroupThatOnlyStopsItsProcessesIsToldOfBySignals() throws Exception {
        var file =
                Files.writeString(root.resolve("memory.oom_control"), "oom_kill_disable 1\nunder_oom 1\noom_kill 0\n");
        var listener = new OomListener(watch, new OomCounter(file), told::incrementAndGet);
        try (var signal = new dev.jshim.linux.EventFd()) {
            listener.signal = signal;
            listener.begin();
            signal.signal();
            assertThat(listener.signalled()).isFalse();
            assertThat(told).hasValue(1);
        }
    }

    @Test
    void aCgroupWithoutTheFileCannotBeWatched() throws Exception {
        recorded("oom_kill 2\n");
        var cgroup = cgroup2();
        Files.delete(cgroup.memoryEvents());
        assertThatThrownBy(() -> watch.open(cgroup, told::incrementAndGet))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("memory.events does not exist");
    }

    /** A cgroup of 8 MiB, into which {@link #exhaust} goes. */
    private Cgroup realCgroup() throws Exception {
        Files.createDirectory(memory);
        Files.writeString(memory.resolve("memory.limit_in_bytes"), "8388608");
        var sleeper = new ProcessBuilder("/bin/sleep", "30").start();
        try {
            Files.writeString(memory.resolve("cgroup.procs"), Long.toString(sleeper.pid()));
            return Cgroup.of((int) sleeper.pid());
        } finally {
            sleeper.destroyForcibly().waitFor();
        }
    }

    private void exhaust() throws Exception {
        var script = "echo $$ > " + memory + "/cgroup.procs; exec /bin/busybox tail -c 64m /dev/zero";
        var greedy = new ProcessBuilder("/bin/sh", "-c", script)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        assertThat(greedy.waitFor()).isEqualTo(137);
    }

    private Path recorded(String events) throws IOException {
        var directory = Files.createDirectories(root.resolve("sys/fs/cgroup/box"));
        Files.writeString(directory.resolve("cgroup.controllers"), "memory\n");
        return Files.writeString(directory.resolve("memory.events"), events);
    }

    private Cgroup2 cgroup2() throws IOException {
        var mounts = MountTable.read(new java.io.BufferedReader(
                new java.io.StringReader("30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")));
        return Cgroup2.locate(new Host(root), Membership.parse("0::/box\n"), mounts);
    }

    /** Of the kinds that a watch opens: the JDK closes the pipes of a process some time after its end was seen. */
    private long descriptors() throws IOException {
        long count = 0;
        try (var open = Files.list(Path.of("/proc/self/fd"))) {
            for (var link : open.toList()) {
                try {
                    var target = Files.readSymbolicLink(link).toString();
                    if (target.equals("anon_inode:[eventfd]")
                            || target.equals("anon_inode:[eventpoll]")
                            || target.startsWith(memory.toString())) {
                        count++;
                    }
                } catch (NoSuchFileException e) {
                    // Closed meanwhile.
                }
            }
        }
        return count;
    }

    private static void until(BooleanSupplier condition) {
        var end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("in time").isLessThan(end);
            pause(Duration.ofMillis(10));
        }
    }

    private static void pause(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
