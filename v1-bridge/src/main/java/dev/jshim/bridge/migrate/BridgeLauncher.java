package dev.jshim.bridge.migrate;

import dev.jshim.bridge.BridgePaths;
import dev.jshim.linux.MountPoint;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Starts a bridge that outlives who started it: its own session, none of the caller's descriptors or cgroups. */
final class BridgeLauncher {
    private static final Duration START = Duration.ofSeconds(30);

    /**
     * $1 is the log, then comes the command. The bridge answers on descriptor 3, see StartReply. It stays our child
     * until we end: when a child ends the JDK closes its streams, whoever else still writes to them.
     */
    private static final String SCRIPT = "log=$1; shift; exec setsid \"$@\" 3>&1 >/dev/null 2>>\"$log\" </dev/null";

    private final BridgePaths paths;
    private final Path address;
    private final Path ttrpcAddress;
    private final Path binary;

    /** @param ttrpcAddress null where containerd's default holds */
    BridgeLauncher(BridgePaths paths, Path address, @Nullable Path ttrpcAddress, Path binary) {
        this.paths = paths;
        this.address = address;
        this.ttrpcAddress = ttrpcAddress == null ? Path.of(address + ".ttrpc") : ttrpcAddress;
        this.binary = binary;
    }

    /** Tells a bridge that runs what it would be started with. */
    void instruct(BridgeClient bridge) throws IOException {
        bridge.follow(address, ttrpcAddress);
    }

    /** Starts it and waits until it serves; answers its pid. */
    int start() throws IOException {
        if (!Files.isExecutable(binary)) {
            throw new IOException("the bridge " + binary + " is not there or cannot be run");
        }
        if (!Files.isDirectory(paths.directory())) {
            Files.createDirectories(
                    paths.directory(),
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        }
        var command = List.of(
                "/bin/sh",
                "-c",
                SCRIPT,
                "sh",
                paths.log().toString(),
                binary.toString(),
                "bridge",
                "-root",
                paths.node().root().toString(),
                "-state",
                paths.node().state().toString(),
                "-address",
                address.toString(),
                "-ttrpc-address",
                ttrpcAddress.toString(),
                "-reply");
        var process = new ProcessBuilder(command)
                .directory(Path.of("/").toFile())
                .redirectErrorStream(true)
                .start();
        process.getOutputStream().close();
        try (var out = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            return pid(reply(out));
        } catch (IOException e) {
            process.destroy();
            throw e;
        }
    }

    private String reply(BufferedReader out) throws IOException {
        var line = new CompletableFuture<String>();
        Thread.ofVirtual().name("bridge-reply").start(() -> {
            try {
                line.complete(String.valueOf(out.readLine()));
            } catch (IOException e) {
                line.completeExceptionally(e);
            }
        });
        try {
            return line.get(START.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IOException("the bridge did not start within " + START.toSeconds() + " s, see " + paths.log(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    private int pid(String reply) throws IOException {
        if (reply.startsWith("error ")) {
            throw new IOException("the bridge did not start: " + reply.substring("error ".length()));
        }
        try {
            return Integer.parseInt(reply.startsWith("ok ") ? reply.substring("ok ".length()) : "");
        } catch (NumberFormatException e) {
            throw new IOException("the bridge did not start (it said \"" + reply + "\"), see " + paths.log(), e);
        }
    }

    /**
     * Moves a bridge to the root of each cgroup hierarchy: the end of an SSH session, or of the unit that apply ran in,
     * would take it along otherwise.
     *
     * @return what could not be done, a sentence each
     */
    static List<String> leaveCgroups(int pid) {
        List<String> warnings = new ArrayList<>();
        try {
            for (var mount : MountPoint.all()) {
                if (mount.type().equals("cgroup") || mount.type().equals("cgroup2")) {
                    move(pid, Path.of(mount.path(), "cgroup.procs"), warnings);
                }
            }
        } catch (IOException e) {
            warnings.add("the bridge is still in the caller's cgroup: " + e.getMessage());
        }
        return warnings;
    }

    private static void move(int pid, Path procs, List<String> warnings) {
        try {
            Files.writeString(procs, Integer.toString(pid), StandardOpenOption.WRITE);
        } catch (IOException e) {
            warnings.add("the bridge is still in the caller's cgroup: " + procs + ": " + e.getMessage());
        }
    }
}
