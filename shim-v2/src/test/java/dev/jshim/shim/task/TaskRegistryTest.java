package dev.jshim.shim.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Any;
import dev.jshim.task.CreateRequest;
import dev.jshim.task.ShimException;
import dev.jshim.task.Stdio;
import dev.jshim.task.TaskFactory;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class TaskRegistryTest {
    private static final TaskFactory SCRIPTED = request -> new ScriptedTask(request.id(), request.bundle());

    private final TaskRegistry tasks = new TaskRegistry();

    private static CreateRequest request(String id) {
        return new CreateRequest(id, Path.of("/b"), List.of(), Stdio.NONE, "", "", Any.getDefaultInstance());
    }

    private static void assertFails(ShimException.Kind kind, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        ShimException.class, e -> assertThat(e.kind()).isEqualTo(kind));
    }

    @Test
    void keepsWhatWasCreated() {
        var task = tasks.create(request("a"), SCRIPTED);
        assertThat(tasks.get("a")).isSameAs(task);
        assertThat(tasks.all()).containsExactly(task);
        assertFails(ShimException.Kind.ALREADY_EXISTS, () -> tasks.create(request("a"), SCRIPTED));
        assertFails(ShimException.Kind.ALREADY_EXISTS, () -> tasks.add(task));
        tasks.remove(new ScriptedTask("a", Path.of("/b")));
        assertThat(tasks.find("a")).as("another of the same id was removed").isSameAs(task);
        tasks.remove(task);
        assertThat(tasks.find("a")).isNull();
        assertFails(ShimException.Kind.NOT_FOUND, () -> tasks.get("a"));
    }

    @Test
    void anIdThatCouldNotBeCreatedIsFree() {
        assertFails(
                ShimException.Kind.UNIMPLEMENTED,
                () -> tasks.create(request("a"), _ -> {
                    throw ShimException.unimplemented("no");
                }));
        assertFails(ShimException.Kind.INVALID_ARGUMENT, () -> tasks.create(request("../a"), SCRIPTED));
        assertThat(tasks.all()).isEmpty();
        assertThat(tasks.create(request("a"), SCRIPTED).id()).isEqualTo("a");
    }

    @Test
    void whileOneIsCreatedTheOthersAreServed() throws Exception {
        var begun = new CountDownLatch(1);
        var go = new CountDownLatch(1);
        var creating = CompletableFuture.supplyAsync(() -> tasks.create(request("slow"), request -> {
            begun.countDown();
            await(go);
            return SCRIPTED.create(request);
        }));
        await(begun);
        assertFails(ShimException.Kind.NOT_FOUND, () -> tasks.get("slow"));
        assertFails(ShimException.Kind.ALREADY_EXISTS, () -> tasks.create(request("slow"), SCRIPTED));
        var other = tasks.create(request("other"), SCRIPTED);
        tasks.remove(other);
        assertThat(tasks.closeIfEmpty()).as("one is on its way").isFalse();
        go.countDown();
        assertThat(creating.get(10, TimeUnit.SECONDS)).isSameAs(tasks.get("slow"));
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(10, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void takesNoneOnceItWasClosedEmpty() {
        var task = tasks.create(request("a"), SCRIPTED);
        assertThat(tasks.closeIfEmpty()).isFalse();
        tasks.remove(task);
        assertThat(tasks.closeIfEmpty()).isTrue();
        assertFails(ShimException.Kind.UNAVAILABLE, () -> tasks.create(request("b"), SCRIPTED));
    }

    @Test
    void takesNoneOnceItWasClosedWithSome() {
        var task = tasks.create(request("a"), SCRIPTED);
        tasks.closeAnyhow();
        assertThat(tasks.closeIfEmpty()).isTrue();
        assertThat(tasks.find("a")).isSameAs(task);
        assertFails(ShimException.Kind.UNAVAILABLE, () -> tasks.create(request("b"), SCRIPTED));
    }
}
