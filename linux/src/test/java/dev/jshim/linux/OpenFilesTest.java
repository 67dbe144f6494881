package dev.jshim.linux;

import static dev.jshim.linux.FdTest.assertErrno;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** With this JVM's own limit, lowered before each test. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class OpenFilesTest {
    private static final int GIVEN = 900;
    private static final List<String> SHOW = List.of("-c", "echo $0 $(ulimit -Sn) $(ulimit -Hn)");

    @TempDir
    Path directory;

    private OpenFiles.Limit before = new OpenFiles.Limit(0, 0);
    private final List<Fd> open = new ArrayList<>();

    @BeforeEach
    void giveLess() throws Exception {
        before = OpenFiles.get();
        OpenFiles.set(new OpenFiles.Limit(GIVEN, before.hard()));
        OpenFiles.raise();
    }

    @AfterEach
    void giveBack() throws Exception {
        open.forEach(Fd::close);
        OpenFiles.forget();
        OpenFiles.set(before);
    }

    @Test
    void ownLimitIsRaisedAndAChildHasTheGivenOne() throws Exception {
        assertThat(OpenFiles.get()).isEqualTo(new OpenFiles.Limit(before.hard(), before.hard()));
        assertThat(OpenFiles.beforeSpawn()).as("no other program between").isEmpty();
        OpenFiles.afterSpawn(List.of());

        assertThat(output(Spawn.command("/bin/sh", SHOW))).isEqualTo("/bin/sh " + GIVEN + " " + before.hard());
        assertThat(OpenFiles.get().soft()).isEqualTo(before.hard());
    }

    @Test
    void aChildOfTheJdkHasTheGivenOne() throws Exception {
        var process = OpenFiles.start(new ProcessBuilder("/bin/sh", "-c", "ulimit -Sn"));

        assertThat(new String(process.getInputStream().readAllBytes(), UTF_8).strip())
                .isEqualTo(Integer.toString(GIVEN));
        assertThat(OpenFiles.get().soft()).isEqualTo(before.hard());
    }

    /** Above the given limit nothing may be lowered, not for a moment: another thread would run out of numbers. */
    @Test
    void whatIsOpenAboveTheGivenLimitIsNoTroubleForAnybody() throws Exception {
        openMany(GIVEN + 100);
        var over = new AtomicBoolean();
        try (var threads = Executors.newFixedThreadPool(5)) {
            Future<?> opens = threads.submit(() -> {
                while (!over.get()) {
                    FileCalls.open(Path.of("/dev/null"), OpenFlags.O_RDONLY, 0).close();
                }
                return null;
            });
            List<Future<String>> children = new ArrayList<>();
            for (var i = 0; i < 40; i++) {
                children.add(threads.submit(() -> output(Spawn.command("sh", SHOW))));
            }
            for (var child : children) {
                assertThat(child.get()).endsWith("/sh " + GIVEN + " " + before.hard());
            }
            over.set(true);
            opens.get();
        }
    }

    @Test
    void manyOpenFilesChangeNothingElseForAChild() throws Exception {
        openMany(GIVEN / 2 + 10);
        assertThat(OpenFiles.beforeSpawn()).hasSize(3);
        var shell = Spawn.command("./sh", SHOW).directory(Path.of("/bin"));
        assertThat(output(shell)).isEqualTo("./sh " + GIVEN + " " + before.hard());
        var environment = Spawn.command("/usr/bin/env", List.of()).environment(List.of("odd.name=c"));
        assertThat(output(environment)).isEqualTo("odd.name=c");

        var file = Files.writeString(directory.resolve("file"), "");
        var missing = directory.resolve("missing").toString();
        assertErrno(Errno.ENOENT, () -> Spawn.command(missing, List.of()).start());
        assertErrno(
                Errno.ENOENT, () -> Spawn.command("no-such-program", List.of()).start());
        assertErrno(
                Errno.EACCES, () -> Spawn.command(file.toString(), List.of()).start());
        assertErrno(
                Errno.ENOENT,
                () -> Spawn.command("/bin/sh", List.of())
                        .directory(Path.of(missing))
                        .start());
    }

    private void openMany(int highest) throws IOException {
        do {
            open.add(FileCalls.open(Path.of("/dev/null"), OpenFlags.O_RDONLY, 0));
        } while (open.getLast().number() < highest);
    }

    private static String output(Spawn spawn) throws Exception {
        try (Pipe pipe = FileCalls.pipe()) {
            int pid = spawn.stdout(pipe.writeEnd()).start();
            pipe.writeEnd().close();
            byte[] buffer = new byte[4096];
            int count = pipe.readEnd().read(buffer, 0, buffer.length);
            assertThat(Child.await(pid).status()).isZero();
            return new String(buffer, 0, Math.max(count, 0), UTF_8).strip();
        }
    }
}
