package dev.jshim.shim.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Any;
import dev.jshim.task.CreateRequest;
import dev.jshim.task.ShimException;
import dev.jshim.task.Stdio;
import dev.jshim.task.TaskFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** When a shim that has no container may end. */
@Timeout(20)
class EmptyRegistryTest {
    private static final Duration LONG = Duration.ofMinutes(5);
    private static final Duration SHORT = Duration.ofMillis(50);

    private static final TaskFactory FAILS = request -> {
        throw ShimException.invalidArgument("no");
    };

    private static CreateRequest request() {
        return new CreateRequest(
                "one", Path.of("/b"), List.of(), new Stdio("", "", "", false), "", "", Any.getDefaultInstance());
    }

    @Test
    void unusedForAWhile() throws InterruptedException {
        new TaskRegistry().awaitEmpty(LONG, SHORT);
    }

    @Test
    void quietAfterTheLast() throws InterruptedException {
        var registry = new TaskRegistry();
        assertThatThrownBy(() -> registry.create(request(), FAILS)).hasMessage("no");

        registry.awaitEmpty(SHORT, LONG);
        assertThat(registry.emptyFor()).isGreaterThanOrEqualTo(SHORT);
    }

    @Test
    void notWhileATaskIsBeingCreated() throws Exception {
        var registry = new TaskRegistry();
        var within = new CountDownLatch(1);
        var proceed = new CountDownLatch(1);
        var creating = Thread.ofVirtual().start(() -> {
            try {
                registry.create(request(), request -> {
                    within.countDown();
                    try {
                        proceed.await();
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                    throw ShimException.invalidArgument("late");
                });
            } catch (ShimException expected) {
                assertThat(expected).hasMessage("late");
            }
        });
        within.await();
        var waiting = Thread.ofVirtual().start(() -> {
            try {
                registry.awaitEmpty(SHORT, SHORT);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });

        assertThat(waiting.join(Duration.ofMillis(300))).isFalse();
        assertThat(registry.closeIfEmpty()).isFalse();
        assertThat(registry.emptyFor()).isZero();
        proceed.countDown();
        creating.join();
        assertThat(waiting.join(Duration.ofSeconds(10))).isTrue();
        assertThat(registry.closeIfEmpty()).isTrue();
    }

    @Test
    void aCreateThatComesTooLateIsRefused() {
        var registry = new TaskRegistry();
        assertThat(registry.closeIfEmpty()).isTrue();

        assertThatThrownBy(() -> registry.create(request(), FAILS)).hasMessage("shim is shutting down");
    }

    @Test
    void theGateDecides() {
        var open = new boolean[1];
        var registry = new TaskRegistry(close -> open[0] && close.getAsBoolean());

        assertThat(registry.closeIfEmpty()).isFalse();
        assertThatThrownBy(() -> registry.create(request(), FAILS)).hasMessage("no");
        open[0] = true;
        assertThat(registry.closeIfEmpty()).isTrue();
        open[0] = false;
        assertThat(registry.closeIfEmpty()).as("closed for good").isTrue();
    }

    @Test
    void closingWakesWhoWaits() throws Exception {
        var registry = new TaskRegistry();
        var done = new CountDownLatch(1);
        Thread.ofVirtual().start(() -> {
            try {
                registry.awaitEmpty(LONG, LONG);
                done.countDown();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });

        assertThat(registry.closeIfEmpty()).isTrue();
        assertThat(done.await(10, TimeUnit.SECONDS)).isTrue();
    }
}
