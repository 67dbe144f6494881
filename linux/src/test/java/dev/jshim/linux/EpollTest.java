package dev.jshim.linux;

import static dev.jshim.linux.FdTest.assertErrno;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class EpollTest {
    private static final long DATA = 0x1234_5678_9abc_def0L;

    private final List<Epoll.Event> events = new ArrayList<>();

    @Test
    void reportsInputThenHangUp() throws Exception {
        try (Epoll epoll = new Epoll();
                Pipe pipe = FileCalls.pipe()) {
            epoll.add(pipe.readEnd(), Epoll.IN, DATA);
            assertThat(epoll.await(events, 0)).isZero();

            pipe.writeEnd().writeFully("x".getBytes(UTF_8));
            assertThat(epoll.await(events, 30_000)).isEqualTo(1);
            assertThat(events).containsExactly(new Epoll.Event(DATA, Epoll.IN));

            pipe.readEnd().read(new byte[1], 0, 1);
            pipe.writeEnd().close();
            assertThat(epoll.await(events, 30_000)).isEqualTo(1);
            assertThat(events).containsExactly(new Epoll.Event(DATA, Epoll.HUP));
        }
    }

    @Test
    void reportsManyAtOnce() throws Exception {
        List<EventFd> counters = new ArrayList<>();
        try (Epoll epoll = new Epoll()) {
            for (int i = 0; i < 10; i++) {
                EventFd counter = new EventFd();
                counters.add(counter);
                counter.signal();
                epoll.add(counter.fd(), Epoll.IN, i);
            }
            assertThat(epoll.await(events, 30_000)).isEqualTo(10);
            assertThat(events)
                    .extracting(Epoll.Event::data)
                    .containsExactlyInAnyOrder(0L, 1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L, 9L);
        } finally {
            counters.forEach(EventFd::close);
        }
    }

    @Test
    void oneShotWaitsToBeArmedAgain() throws Exception {
        try (Epoll epoll = new Epoll();
                Pipe pipe = FileCalls.pipe()) {
            epoll.add(pipe.writeEnd(), Epoll.OUT | Epoll.ONESHOT, 1);
            assertThat(epoll.await(events, 30_000)).isEqualTo(1);
            assertThat(epoll.await(events, 0)).isZero();

            epoll.modify(pipe.writeEnd(), Epoll.OUT | Epoll.ONESHOT, 2);
            assertThat(epoll.await(events, 30_000)).isEqualTo(1);
            assertThat(events.getFirst().data()).isEqualTo(2);

            epoll.remove(pipe.writeEnd());
            assertErrno(Errno.ENOENT, () -> {
                epoll.remove(pipe.writeEnd());
                return null;
            });
        }
    }

    @Test
    void anotherThreadWakesTheWaitingOne() throws Exception {
        try (Epoll epoll = new Epoll();
                EventFd wake = new EventFd()) {
            epoll.add(wake.fd(), Epoll.IN, 7);
            Callable<Integer> waiting = () -> epoll.await(events, 30_000);
            FutureTask<Integer> task = new FutureTask<>(waiting);
            Thread.ofPlatform().name("awaiting").start(task);
            wake.signal();
            wake.signal();

            assertThat(task.get(40, TimeUnit.SECONDS)).isEqualTo(1);
            assertThat(events.getFirst().has(Epoll.IN)).isTrue();
            assertThat(wake.drain()).isEqualTo(2);
            assertThat(wake.drain()).isZero();
            assertThat(epoll.await(events, 0)).isZero();
        }
    }
}
