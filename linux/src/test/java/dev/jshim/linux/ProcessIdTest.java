package dev.jshim.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ProcessIdTest {
    private static final Path PROC = Path.of("/proc");

    @Test
    void ourselves() throws Exception {
        int pid = Processes.getpid();
        ProcessId self = Objects.requireNonNull(ProcessId.find(pid));
        assertThat(self).isEqualTo(ProcessId.of(pid)).hasSameHashCodeAs(ProcessId.of(pid));
        assertThat(self.isAlive()).isTrue();
        assertThat(self.lacksFirstThread()).isFalse();
        assertThat(self.signal(0)).isTrue();

        ProcessId other = new ProcessId(pid, self.startTicks() + 1);
        assertThat(other.isAlive()).isFalse();
        assertThat(other.signal(Processes.SIGKILL)).isFalse();
    }

    @Test
    void nobody() throws Exception {
        for (int pid : new int[] {0, -1, Integer.MAX_VALUE}) {
            assertThat(ProcessId.find(pid)).isNull();
            assertThat(ProcessId.of(pid)).isEqualTo(new ProcessId(pid, -1));
            assertThat(ProcessId.of(pid).isAlive()).isFalse();
        }
        assertThat(ProcessId.of(Integer.MAX_VALUE).signal(Processes.SIGKILL)).isFalse();
    }

    @Test
    void aZombieHasEnded() throws Exception {
        int pid = Spawn.command("/bin/true", List.of()).start();
        Wait.pid(pid, false);
        ProcessId process = ProcessId.of(pid);
        assertThat(process.startTicks()).isPositive();
        assertThat(ProcessId.find(pid)).isNull();
        assertThat(process.isAlive()).isFalse();
        assertThat(process.lacksFirstThread()).isFalse();
        assertThat(process.signal(Processes.SIGKILL)).isFalse();
        Child.await(pid);
    }

    /** The state is that of a zombie, and what the kernel shows of it is nobody's: the process runs. */
    @Test
    void livesUntilItsLastThreadHasEnded(@TempDir Path directory) throws Exception {
        Path program = CProgram.build(directory, CProgram.FIRST_THREAD_ENDS);
        int pid = Spawn.command(program.toString(), List.of()).start();
        try {
            while (Child.stat(pid).state() != 'Z') {
                Thread.sleep(2);
            }
            ProcessStat stat = Child.stat(pid);
            assertThat(stat.hasEnded()).isFalse();
            assertThat(stat.lacksFirstThread()).isTrue();
            assertThat(stat.threads()).isEqualTo(2);
            ProcessId process = Objects.requireNonNull(ProcessId.find(pid));
            assertThat(process.isAlive()).isTrue();
            assertThat(process.lacksFirstThread()).isTrue();
            assertThat(Wait.poll(pid, false)).isNull();

            assertThat(Files.readString(PROC.resolve(pid + "/cmdline"))).isEmpty();
            Path thread = stat.folder(PROC);
            assertThat(thread).hasParent(PROC.resolve(pid + "/task"));
            assertThat(Files.readString(thread.resolve("cmdline"))).isEqualTo(program + "\0");

            assertThat(process.signal(Processes.SIGKILL)).isTrue();
            assertThat(Child.await(pid)).isEqualTo(new ExitedChild(pid, true, Processes.SIGKILL));
            assertThat(process.isAlive()).isFalse();
        } finally {
            if (ProcessId.find(pid) != null) {
                Processes.kill(pid, Processes.SIGKILL);
                Child.await(pid);
            }
        }
    }
}
