package dev.jshim.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class DeadlineTest {
    private static final Duration LONG = Duration.ofDays(1);
    private static final Duration SHORT = Duration.ofMillis(1);

    @Test
    void whatHoldsIsNotWaitedFor() throws IOException {
        assertThat(Deadline.in(Duration.ZERO).await(LONG, () -> true)).isTrue();
    }

    @Test
    void whatComesTrueIsSeen() throws IOException {
        var looks = new AtomicInteger();
        assertThat(Deadline.in(LONG).await(SHORT, () -> looks.incrementAndGet() == 3))
                .isTrue();
        assertThat(looks).hasValue(3);
    }

    @Test
    void whatNeverHoldsEndsAndIsLookedAtLast() throws IOException {
        var deadline = Deadline.in(Duration.ofMillis(20));
        assertThat(deadline.await(SHORT, () -> false)).isFalse();
        assertThat(deadline.isOver()).isTrue();
        assertThat(deadline.left()).isEqualTo(Duration.ofNanos(1));
        assertThat(deadline.await(LONG, () -> true)).isTrue();
        assertThat(Deadline.in(LONG).left()).isBetween(LONG.minusMinutes(10), LONG);
    }

    @Test
    void anInterruptIsKept() {
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> Deadline.in(LONG).await(LONG, () -> false)).isInstanceOf(InterruptedIOException.class);
        assertThat(Thread.interrupted()).isTrue();
    }

    @Test
    void aMonitorIsWaitedForUntilThen() throws InterruptedException {
        synchronized (this) {
            var deadline = Deadline.in(Duration.ofMillis(20));
            var waits = 0;
            while (deadline.await(this)) {
                waits++;
            }
            assertThat(waits).isPositive();
            assertThat(deadline.left()).isLessThanOrEqualTo(Duration.ofMillis(1));
        }
    }
}
