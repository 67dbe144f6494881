package dev.jshim.bridge;

import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.linux.ProcessId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Two processes that stand for a v1 shim and the init of its container, and a v1 bundle on disk. */
public final class FakeContainer {
    public final String namespace;
    public final String id;
    public final Process shim;
    public final Process init;
    public final Path socket;
    public final Path v1Bundle;
    public final Path v1Work;

    public FakeContainer(Path root, Path state, String namespace, String id) throws IOException {
        this.namespace = namespace;
        this.id = id;
        shim = sleep();
        init = sleep();
        socket = state.resolve("s").resolve(namespace + "-" + id);
        v1Bundle = state.resolve("io.containerd.runtime.v1.linux")
                .resolve(namespace)
                .resolve(id);
        v1Work = root.resolve("io.containerd.runtime.v1.linux")
                .resolve(namespace)
                .resolve(id);
        Files.createDirectories(v1Bundle.resolve("rootfs"));
        Files.createDirectories(v1Work);
        Files.writeString(v1Bundle.resolve("config.json"), "{\"ociVersion\":\"1.0.2\",\"process\":{\"args\":[\"a\"]}}");
        Files.writeString(v1Bundle.resolve("init.pid"), Long.toString(init.pid()));
        Files.writeString(v1Bundle.resolve("shim.pid"), Long.toString(shim.pid()));
        Files.writeString(v1Bundle.resolve("address"), "unix://" + socket);
    }

    private static Process sleep() throws IOException {
        return new ProcessBuilder(List.of("sleep", "300")).start();
    }

    /** Listens on its socket, until its process ends. */
    public FakeV1Shim serve() throws IOException {
        var fake = new FakeV1Shim(socket, id, (int) init.pid(), (int) shim.pid());
        var _ = shim.onExit().thenRun(fake::close);
        return fake;
    }

    public AdoptedRecord record() {
        return new AdoptedRecord(
                namespace,
                id,
                v1Bundle,
                v1Work,
                ref(shim),
                ref(init),
                "unix://" + socket,
                "runc",
                v1Work.resolve("runc-root"));
    }

    private static ProcessId ref(Process process) {
        var ref = ProcessId.find((int) process.pid());
        if (ref == null) {
            throw new IllegalStateException("it has ended");
        }
        return ref;
    }

    /** Ends both processes. */
    public void kill() throws InterruptedException {
        end(shim);
        end(init);
    }

    public static void end(Process process) throws InterruptedException {
        process.destroyForcibly();
        process.waitFor();
    }
}
