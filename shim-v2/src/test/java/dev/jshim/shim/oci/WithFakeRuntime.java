package dev.jshim.shim.oci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.jshim.shim.EventLog;
import dev.jshim.shim.FakeContainer;
import dev.jshim.shim.FakeRuntime;
import dev.jshim.shim.ShimProcess;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** One shim in a JVM of its own, and a script in the place of the OCI runtime; each test has a container of its own. */
@Timeout(300)
abstract class WithFakeRuntime {
    static final String SHARED_PIDS = "{\"linux\":{\"namespaces\":[{\"type\":\"pid\",\"path\":\"/proc/1/ns/pid\"}]}}";
    static final String LASTING = "exec sleep 100";

    @TempDir
    static Path folder;

    static EventLog events;
    static FakeRuntime runtime;
    static ShimProcess shim;

    @BeforeAll
    static void startShim() throws Exception {
        var containerd = folder.resolve("containerd.sock");
        events = new EventLog(folder.resolve("containerd.sock.ttrpc"));
        runtime = new FakeRuntime(folder);
        var bundle = FakeContainer.bundle(folder, "first", "{}");
        shim = ShimProcess.start(bundle, "first", containerd);
    }

    @AfterAll
    static void endShim() throws Exception {
        shim.close();
        events.close();
    }

    static FakeContainer container(String id, String init) throws Exception {
        return FakeContainer.of(shim, runtime, folder, id, init);
    }

    static FakeContainer running(String id, String init) throws Exception {
        var container = container(id, init);
        container.create();
        container.start();
        return container;
    }

    static void assertFails(Code code, String message, ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOfSatisfying(StatusRuntimeException.class, e -> {
            assertThat(e.getStatus().getCode()).as(e.getMessage()).isEqualTo(code);
            assertThat(e.getMessage()).contains(message);
        });
    }

    /** Sooner than what waits for another call would: each call has 30 s. */
    static void assertNotHeldUp(Callable<?> call) throws Exception {
        var before = System.nanoTime();
        call.call();
        assertThat(Duration.ofNanos(System.nanoTime() - before)).isLessThan(Duration.ofSeconds(20));
    }

    static CompletableFuture<Void> async(Callable<?> call) {
        return CompletableFuture.runAsync(
                () -> {
                    try {
                        call.call();
                    } catch (RuntimeException e) {
                        throw e;
                    } catch (Exception e) {
                        throw new IllegalStateException(e);
                    }
                },
                task -> Thread.ofPlatform().daemon().start(task)); // opening a FIFO holds the carrier
    }

    static List<String> descriptors() throws Exception {
        List<String> open = new ArrayList<>();
        try (var links = Files.list(Path.of("/proc/" + shim.pid() + "/fd"))) {
            for (var link : links.toList()) {
                try {
                    open.add(Files.readSymbolicLink(link).toString());
                } catch (java.nio.file.NoSuchFileException e) {
                    open.add("closed meanwhile");
                }
            }
        }
        return open;
    }

    static void end(FakeContainer box) throws Exception {
        box.kill(9);
        assertThat(box.await("")).isEqualTo(137);
        box.delete();
    }
}
