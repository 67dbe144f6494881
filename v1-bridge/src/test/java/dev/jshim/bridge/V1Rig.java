package dev.jshim.bridge;

import dev.jshim.bridge.record.Directories;
import dev.jshim.bridge.serve.BridgeDaemon;
import dev.jshim.bridge.serve.BridgeFlags;
import dev.jshim.linux.Mounts;
import dev.jshim.linux.ProcessId;
import dev.jshim.node.NodePaths;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;

/** A private containerd 1.6: directories, socket and namespace of its own; needs root, containerd, runc and busybox. */
public final class V1Rig {
    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(30);

    public final Path folder;
    public final NodePaths paths;
    public final Path address;
    public final String namespace;
    public final Path rootfs;
    private Process daemon;

    public V1Rig() throws Exception {
        folder = Files.createTempDirectory("jshim-rig");
        paths = new NodePaths(folder.resolve("root"), folder.resolve("state"));
        address = folder.resolve("c.sock");
        namespace = "jshim-bridge-" + ProcessHandle.current().pid() + "-" + Integer.toHexString(folder.hashCode());
        rootfs = folder.resolve("fs");
        Files.createDirectories(rootfs.resolve("bin"));
        Files.copy(Path.of("/bin/busybox"), rootfs.resolve("bin/busybox"));
        for (var name : List.of("sh", "sleep", "cat")) {
            Files.createSymbolicLink(rootfs.resolve("bin/" + name), Path.of("busybox"));
        }
        for (var name : List.of("proc", "dev", "sys", "etc", "run", "tmp")) {
            Files.createDirectory(rootfs.resolve(name));
        }
        Files.writeString(
                folder.resolve("config.toml"), "version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n");
        startDaemon();
    }

    void startDaemon() throws Exception {
        daemon = new ProcessBuilder(
                        "containerd",
                        "--config",
                        folder + "/config.toml",
                        "--root",
                        paths.root().toString(),
                        "--state",
                        paths.state().toString(),
                        "--address",
                        address.toString())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("containerd.log").toFile())
                .start();
        eventually(() -> ctrCode("version") == 0);
    }

    /** Ends the daemon and nothing else: its v1 shims go on. */
    public void stopDaemon() throws Exception {
        daemon.destroy();
        if (!daemon.waitFor(30, TimeUnit.SECONDS)) {
            throw new IOException("containerd does not end");
        }
    }

    /** Runs a container in the background. */
    public void run(String id, String script) throws Exception {
        ctr(
                "run",
                "-d",
                "--runtime",
                "io.containerd.runtime.v1.linux",
                "--rootfs",
                rootfs.toString(),
                id,
                "/bin/sh",
                "-c",
                script);
    }

    public void ctr(String... args) throws Exception {
        var process = start(args);
        var text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException("ctr " + String.join(" ", args) + ": " + text);
        }
    }

    public int ctrCode(String... args) throws Exception {
        var process = start(args);
        process.getInputStream().readAllBytes();
        return process.waitFor();
    }

    private Process start(String... args) throws IOException {
        List<String> command = new ArrayList<>(List.of("ctr", "-a", address.toString(), "-n", namespace));
        command.addAll(List.of(args));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectInput(Path.of("/dev/null").toFile())
                .start();
    }

    /** A bridge in this very JVM. */
    public BridgeDaemon bridge() throws IOException {
        return BridgeDaemon.start(BridgeFlags.parse(
                "-root", paths.root().toString(), "-state", paths.state().toString(), "-address", address.toString()));
    }

    /** Waits for something, for at most thirty seconds. */
    public static void eventually(Callable<Boolean> condition) throws Exception {
        var end = System.nanoTime() + PATIENCE;
        while (!condition.call()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("it did not come true within 30 s");
            }
            Thread.sleep(20);
        }
    }

    /** Ends all that was started here, by the pids in the bundles. */
    public void close() throws Exception {
        var bundles = paths.v1State().resolve(namespace);
        if (Files.isDirectory(bundles)) {
            try (var all = Files.list(bundles)) {
                for (var bundle : all.toList()) {
                    kill(bundle.resolve("init.pid"));
                    kill(bundle.resolve("shim.pid"));
                    var id = String.valueOf(bundle.getFileName());
                    new ProcessBuilder("runc", "--root", "/run/containerd/runc/" + namespace, "delete", "--force", id)
                            .inheritIO()
                            .start()
                            .waitFor();
                    if (Files.exists(bundle.resolve("address"))) {
                        Files.deleteIfExists(Path.of(
                                Files.readString(bundle.resolve("address")).substring("unix://".length())));
                    }
                }
            }
        }
        if (daemon.isAlive()) {
            stopDaemon();
        }
        Mounts.unmountRecursive(folder);
        Directories.removeUnmounted(folder);
        var runc = Path.of("/run/containerd/runc", namespace);
        if (Files.isDirectory(runc)) {
            Directories.removeUnmounted(runc);
        }
        try (var controllers = Files.newDirectoryStream(Path.of("/sys/fs/cgroup"))) {
            for (var controller : controllers) {
                Files.deleteIfExists(controller.resolve(namespace));
            }
        }
    }

    private static void kill(Path pidFile) throws IOException {
        if (Files.exists(pidFile)) {
            var process =
                    ProcessId.find(Integer.parseInt(Files.readString(pidFile).strip()));
            if (process != null) {
                process.signal(9);
            }
        }
    }
}
