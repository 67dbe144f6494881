package dev.jshim.linux;

import static dev.jshim.linux.FdTest.assertErrno;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SpawnTest {
    /** The shell lists its own descriptors without opening one. */
    private static final String LIST_DESCRIPTORS =
            "cd /proc/$$/fd; for i in $(seq 0 255); do [ -h $i ] && echo $i; done; exit 0";

    @TempDir
    Path directory;

    @Test
    void exitCodeAndSignalAreToldApart() throws Exception {
        int exits = shell("exit 7").start();
        assertThat(Child.await(exits)).isEqualTo(new ExitedChild(exits, false, 7));

        int killed = shell("kill -9 $$").start();
        assertThat(Child.await(killed)).isEqualTo(new ExitedChild(killed, true, 9));
    }

    @Test
    void missingBinaryLeavesNoZombie() throws Exception {
        Path missing = directory.resolve("missing");
        long before = zombies();

        assertThatThrownBy(() -> Spawn.command(missing.toString(), List.of()).start())
                .hasMessage("spawn " + missing + ": ENOENT (No such file or directory)");
        assertErrno(
                Errno.ENOENT, () -> Spawn.command("no-such-program", List.of()).start());
        assertErrno(Errno.ENOENT, () -> shell("true").directory(missing).start());
        Path plain = Files.writeString(directory.resolve("plain"), "text");
        assertErrno(
                Errno.EACCES, () -> Spawn.command(plain.toString(), List.of()).start());
        assertThat(zombies()).isEqualTo(before);
    }

    @Test
    void environmentDirectoryAndArguments() throws Exception {
        Spawn spawn = Spawn.command("sh", List.of("-c", "pwd; echo \"$0 $1\"; env | sort", "zero", "one two"))
                .environment(Map.of("PATH", "relative::/bin:/usr/bin", "A", "b=ü"))
                .directory(directory);

        assertThat(output(spawn).lines().filter(line -> !line.startsWith("_=")))
                .containsExactly(
                        directory.toString(),
                        "zero one two",
                        "A=b=ü",
                        "PATH=relative::/bin:/usr/bin",
                        "PWD=" + directory);
    }

    @Test
    void inheritsTheEnvironmentUnlessTold() throws Exception {
        assertThat(output(shell("echo $PATH")).trim()).isEqualTo(System.getenv("PATH"));
    }

    @Test
    void onlyNamedDescriptorsAreOpen() throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "x");
        try (FileInputStream leaky = new FileInputStream(file.toFile());
                ServerSocket socket = new ServerSocket(0);
                Fd extra = FileCalls.open(file, OpenFlags.O_RDONLY, 0)) {
            assertThat(leaky.read()).isEqualTo('x');
            assertThat(socket.isBound()).isTrue();

            Spawn spawn = shell(LIST_DESCRIPTORS);
            assertThat(output(spawn).lines()).containsExactly("0", "1", "2");
            assertThat(output(spawn.extra(extra, 5)).lines()).containsExactly("0", "1", "2", "5");
        }
    }

    @Test
    void descriptorsThatCollideWithTheirTargets() throws Exception {
        try (Fd a = write("a", "A");
                Fd b = write("b", "B");
                Fd c = write("c", "C")) {
            // Each source has the number that another one is to get.
            int low = Arrays.stream(new int[] {a.number(), b.number(), c.number()})
                    .min()
                    .orElseThrow();
            assertThat(low).isGreaterThan(2);
            Spawn spawn = shell(
                            "for i in %d %d %d; do cat /dev/fd/$i; done".formatted(a.number(), b.number(), c.number()))
                    .extra(a, b.number())
                    .extra(b, a.number())
                    .extra(c, c.number());

            assertThat(output(spawn)).isEqualTo("BAC");
        }
    }

    @Test
    void signalsAreAsInAFreshProcess() throws Exception {
        assertThat(output(Spawn.command("/bin/cat", List.of("/proc/self/status")))
                        .lines()
                        .filter(line -> line.startsWith("Sig")))
                .contains("SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000", "SigCgt:\t0000000000000000");
    }

    @Test
    void aGroupOfItsOwn() throws Exception {
        int pid = Spawn.command("/bin/sleep", List.of("30")).newGroup(true).start();
        int other = Spawn.command("/bin/sleep", List.of("30")).start();
        try {
            assertThat(Child.stat(pid).processGroup()).isEqualTo(pid);
            assertThat(Child.stat(other).processGroup())
                    .isEqualTo(Child.stat(Processes.getpid()).processGroup());
        } finally {
            Processes.kill(pid, Processes.SIGKILL);
            Processes.kill(other, Processes.SIGKILL);
            Child.await(pid);
            Child.await(other);
        }
    }

    @Test
    void standardStreamsAreDevNullByDefault() throws Exception {
        int pid = shell("test /proc/self/fd/0 -ef /dev/null && test /dev/fd/1 -ef /dev/null && ! read line")
                .start();

        assertThat(Child.await(pid).status()).isZero();
    }

    @Test
    void aThreadHasItsOwnDirectory() throws Exception {
        // What start() falls back to where glibc is older than 2.29.
        Spawn spawn = shell("pwd > out");
        int pid = (int) DirectoryThread.run(directory, spawn::start);

        assertThat(Child.await(pid).status()).isZero();
        assertThat(directory.resolve("out")).hasContent(directory.toString());
        assertThat(output(shell("pwd")).trim())
                .isEqualTo(Path.of("").toRealPath().toString());
        assertErrno(Errno.ENOENT, () -> DirectoryThread.run(directory.resolve("missing"), () -> 0));
    }

    @Test
    void closesWhatIsListedWhereTheCLibraryCannot() throws Exception {
        try (Memory memory = new Memory();
                Pipe pipe = FileCalls.pipe();
                ServerSocket socket = new ServerSocket(0);
                SpawnAttributes attributes = new SpawnAttributes(memory, false);
                SpawnActions actions = new SpawnActions(memory, null)) {
            assertThat(socket.isBound()).isTrue();
            TreeMap<Integer, @Nullable Fd> descriptors = new TreeMap<>();
            descriptors.put(0, null);
            descriptors.put(1, pipe.writeEnd());
            descriptors.put(2, null);
            actions.descriptors(descriptors);
            Memory.Block pid = memory.block(4);
            int error = NativeCall.call(
                    SpawnFunctions.SPAWN,
                    pid.address(),
                    memory.text("/bin/sh"),
                    actions.address(),
                    attributes.address(),
                    memory.texts(List.of("sh", "-c", LIST_DESCRIPTORS)),
                    memory.texts(List.of("PATH=/bin:/usr/bin")));
            assertThat(error).isZero();
            assertThat(Child.await(pid.buffer().getInt(0)).status()).isZero();
            byte[] text = new byte[100];
            int count = pipe.readEnd().read(text, 0, text.length);
            assertThat(new String(text, 0, count, UTF_8).lines()).containsExactly("0", "1", "2");
        }
    }

    private Spawn shell(String script) {
        return Spawn.command("/bin/sh", List.of("-c", script));
    }

    private Fd write(String name, String content) throws Exception {
        return FileCalls.open(Files.writeString(directory.resolve(name), content), OpenFlags.O_RDONLY, 0);
    }

    private static String output(Spawn spawn) throws Exception {
        try (Pipe pipe = FileCalls.pipe()) {
            int pid = spawn.stdout(pipe.writeEnd()).start();
            pipe.writeEnd().close();
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            byte[] buffer = new byte[4096];
            int count;
            while ((count = pipe.readEnd().read(buffer, 0, buffer.length)) > 0) {
                out.write(buffer, 0, count);
            }
            assertThat(Child.await(pid).status()).isZero();
            return out.toString(UTF_8);
        }
    }

    private static long zombies() {
        int self = Processes.getpid();
        return ProcessHandle.allProcesses()
                .map(process -> Processes.stat((int) process.pid()))
                .filter(stat -> stat != null && stat.parent() == self && stat.hasEnded())
                .count();
    }
}
