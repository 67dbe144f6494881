package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A clock that was set back by more than a year while the migration was under way, for {@code jshimctl} and the bridges
 * that it starts (by libfaketime, for what tells the time of day alone), and files from the future and from 1970.
 */
@ParameterizedClass(name = "from containerd {0}")
@MethodSource("oneOldRelease")
@LongRun
class MigrationClockTest extends MigrationScenario {
    private static final Path LIBRARY = Path.of("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1");

    MigrationClockTest(Release old) {
        super(old);
    }

    /** What the library leaves behind where a process becomes another one, as launchers do. */
    @AfterEach
    void noSharedMemory() throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(Path.of("/dev/shm"), "*faketime_s*")) {
            for (Path file : files) {
                if (!ProcessHandle.of(Long.parseLong(file.toString().replaceAll(".*_", "")))
                        .isPresent()) {
                    Files.deleteIfExists(file);
                }
            }
        }
    }

    @Test
    void setBack() throws IOException {
        assertThat(LIBRARY).exists();
        long year = Instant.now().atOffset(ZoneOffset.UTC).getYear();
        assertThat(Run.of(Stream.concat(Stream.of("env"), Stream.concat(back().stream(), Stream.of("date", "+%Y")))
                                .toList())
                        .run()
                        .ok()
                        .out())
                .as("the clock is set back at all")
                .isIn(Long.toString(year - 1), Long.toString(year - 2));
        Trio trio = Trio.start(node);
        Streams ending = endsOnRequest("ending", 9);
        upgrade();
        trio.listed(node);

        past("verify").ok();
        node.stop();
        killBridgeForGood();
        touch(Instant.EPOCH);
        past("apply", "--yes").ok();
        assertThat(Files.readString(node.state().resolve("jshim/bridge.log")))
                .as("the bridge's clock is set back")
                .contains("time=\"" + (year - 1));
        touch(Instant.now().plus(Duration.ofDays(4000)));
        past("verify").ok();
        node.start();
        trio.listed(node);
        trio.unharmed();
        node.exec(Trio.COUNTER, "e", "/bin/true").ok();
        ending.write("now");
        Wait.until("it has ended", () -> Tasks.of(node).get("ending").status().equals("STOPPED"));
        assertThat(node.ctr("task", "rm", "ending").ok().err()).contains("exit code 9");
        node.ctr("container", "rm", "ending").ok();

        node.stop();
        past("rollback").ok();
        past("rollback", "--yes").ok();
        assertThat(node.root().resolve("jshim")).doesNotExist();
        trio.unharmed();
        node.switchTo(old);
        trio.listed(node);

        upgrade();
        trio.listed(node);
        trio.unharmed();
        trio.remove(node);
        touch(Instant.EPOCH);
        Wait.until("the bridge lets go of them", () -> past("finish").code() == 0);
        past("finish", "--yes").ok();
        assertThat(node.root().resolve("jshim")).doesNotExist();
    }

    /** Without the last but one the library makes each timed wait of a JVM end at once, and threads spin. */
    private static List<String> back() {
        return List.of(
                "LD_PRELOAD=" + LIBRARY,
                "FAKETIME=-400d",
                "FAKETIME_DONT_FAKE_MONOTONIC=1",
                "FAKETIME_FORCE_MONOTONIC_FIX=0",
                "NO_FAKE_STAT=1");
    }

    private Outcome past(String... args) {
        return Product.ctl(
                node,
                back(),
                Stream.concat(Stream.of("migrate"), Stream.of(args)).toArray(String[]::new));
    }

    /** All that is ours, and the bundles; by touch(1), which does not open what may be a FIFO. */
    private void touch(Instant time) {
        Run.of(List.of(
                        "find",
                        node.root().resolve("jshim").toString(),
                        node.state().resolve("jshim").toString(),
                        node.state()
                                .resolve("io.containerd.runtime.v2.task")
                                .resolve(node.namespace())
                                .toString(),
                        "-exec",
                        "touch",
                        "-h",
                        "-d",
                        "@" + time.getEpochSecond(),
                        "{}",
                        "+"))
                .run()
                .ok();
    }
}
