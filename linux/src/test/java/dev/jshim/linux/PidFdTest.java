package dev.jshim.linux;

import static dev.jshim.linux.FdTest.assertErrno;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PidFdTest {
    @Test
    void signalsAndSeesTheEnd() throws Exception {
        assertThat(PidFd.supported()).isTrue();
        int pid = Spawn.command("/bin/sleep", List.of("30")).start();
        try (PidFd process = PidFd.open(pid);
                Epoll epoll = new Epoll()) {
            epoll.add(process.fd(), Epoll.IN, pid);
            List<Epoll.Event> events = new ArrayList<>();
            assertThat(epoll.await(events, 0)).isZero();

            process.signal(Processes.SIGTERM);
            assertThat(epoll.await(events, 30_000)).isEqualTo(1);
            assertThat(Child.await(pid)).isEqualTo(new ExitedChild(pid, true, Processes.SIGTERM));
            assertErrno(Errno.ESRCH, () -> {
                process.signal(0);
                return null;
            });
        }
        assertErrno(Errno.ESRCH, () -> PidFd.open(pid));
    }

    @Test
    void pidsBySignalAndStartTime() throws Exception {
        long before = Processes.startTime(Processes.getpid());
        int pid = Spawn.command("/bin/sleep", List.of("30")).start();

        assertThat(Processes.exists(pid)).isTrue();
        assertThat(Processes.startTime(pid)).isGreaterThanOrEqualTo(before);
        assertThat(Child.named(pid, "sleep").command()).isEqualTo("sleep");
        Processes.kill(pid, Processes.SIGKILL);
        ExitedChild peeked = Wait.pid(pid, false);
        assertThat(Child.stat(pid).hasEnded()).isTrue();
        assertThat(Processes.exists(pid)).isTrue();
        assertThat(Child.await(pid)).isEqualTo(peeked).isEqualTo(new ExitedChild(pid, true, 9));
        assertThat(peeked.exitStatus()).isEqualTo(137);

        assertThat(Processes.exists(pid)).isFalse();
        assertThat(Processes.startTime(pid)).isEqualTo(-1);
        assertErrno(Errno.ESRCH, () -> {
            Processes.kill(pid, 0);
            return null;
        });
        assertErrno(Errno.ECHILD, () -> Wait.poll(pid, true));
    }

    @Test
    void neverSignalsEverything() {
        assertThatThrownBy(() -> Processes.kill(-1, 9)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Processes.kill(0, 9)).isInstanceOf(IllegalArgumentException.class);
    }
}
