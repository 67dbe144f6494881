package dev.jshim.bridge.migrate;

import dev.jshim.bridge.BridgePaths;
import dev.jshim.linux.MountPoint;
import dev.jshim.linux.Processes;
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
    private static final Duration OTHER = Duration.ofSeconds(5);

    /**
     * $1 is the log, then comes the command. The bridge answers on descriptor 3, see StartReply. It stays our child
     * until we end: when a child ends the JDK closes its streams, whoever else still writes to them.
     *
     * <p>It needs some descriptors for each container, and is the last process of a node that may be killed for memory
     * but containerd: where we may not say so it goes without.
     */
    private static final String SCRIPT = """
            log=$1; shift
            ulimit -S -n "$(ulimit -H -n)"
            echo -999 2>/dev/null >/proc/self/oom_score_adj
            exec setsid "$@" 3>&1 >/dev/null 2>>"$log" </dev/null
            """;

    /** Starts the bridge again whenever it dies of something else than an order. */
    private static final String KEEPER = "lib/sh/keep.sh";

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

    /** Starts it, and something that starts it again when it crashes; answers its pid once it serves. */
    int start() throws IOException {
        return start(List.of("/bin/sh", tree().resolve(KEEPER).toString()), List.of());
    }

    /** As {@link #start()}, in the place of a bridge that runs, whose connections it takes over. */
    int replace() throws IOException {
        return start(List.of("/bin/sh", tree().resolve(KEEPER).toString()), List.of("-take-over"));
    }

    /** As {@link #start()}, for a caller that looks after it itself, as systemd does. */
    int startUnkept() throws IOException {
        return start(List.of(), List.of());
    }

    /** As {@link #replace()}, for a caller that looks after it itself. */
    int replaceUnkept() throws IOException {
        return start(List.of(), List.of("-take-over"));
    }

    private Path tree() throws IOException {
        var bin = binary.getParent();
        var tree = bin == null ? null : bin.getParent();
        if (tree == null) {
            throw new IOException("the bridge " + binary + " is not in a tree of jshim's");
        }
        return tree;
    }

    private int start(List<String> before, List<String> more) throws IOException {
        if (!Files.isExecutable(binary)) {
            throw new IOException("the bridge " + binary + " is not there or cannot be run");
        }
        if (!Files.isDirectory(paths.directory())) {
            Files.createDirectories(
                    paths.directory(),
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        }
        List<String> command = new ArrayList<>(
                List.of("/bin/sh", "-c", SCRIPT, "sh", paths.log().toString()));
        command.addAll(before);
        command.addAll(List.of(
                binary.toString(),
                "bridge",
                "-root",
                paths.node().root().toString(),
                "-state",
                paths.node().state().toString(),
                "-address",
                address.toString(),
                "-ttrpc-address",
                ttrpcAddress.toString()));
        command.addAll(more);
        command.add("-reply");
        var process = new ProcessBuilder(command)
                .directory(Path.of("/").toFile())
                .redirectErrorStream(true)
                .start();
        process.getOutputStream().close();
        try (var out = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            return pid(reply(out));
        } catch (IOException e) {
            process.destroy();
            if (more.isEmpty()) {
                return alreadyThere(e);
            }
            throw e;
        }
    }

    /** Another one may have been quicker: a keeper's, after a crash. */
    private int alreadyThere(IOException why) throws IOException {
        var end = System.nanoTime() + OTHER.toNanos();
        while (System.nanoTime() < end) {
            try (var bridge = BridgeClient.connect(paths.control(), OTHER)) {
                return bridge.list().getPid();
            } catch (IOException notYet) {
                pause(why);
            }
        }
        throw why;
    }

    private static void pause(IOException why) throws IOException {
        try {
            Thread.sleep(50);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw why;
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
     * Moves a bridge and its keeper to the root of each cgroup hierarchy: the end of an SSH session, or of the unit
     * that apply ran in, would take them along otherwise.
     *
     * @return what could not be done, a sentence each
     */
    static List<String> leaveCgroups(int pid) {
        List<String> warnings = new ArrayList<>();
        var bridge = Processes.stat(pid);
        var keeper = bridge == null ? 0 : bridge.parent();
        try {
            for (var mount : MountPoint.all()) {
                if (mount.type().equals("cgroup") || mount.type().equals("cgroup2")) {
                    var procs = Path.of(mount.path(), "cgroup.procs");
                    move(pid, procs, warnings);
                    if (keeper > 1) {
                        move(keeper, procs, warnings);
                    }
                }
            }
        } catch (IOException e) {
            warnings.add("the bridge is still in the caller's cgroup: " + e.getMessage());
        }
        return warnings.stream().distinct().toList();
    }

    private static void move(int pid, Path procs, List<String> warnings) {
        try {
            Files.writeString(procs, Integer.toString(pid), StandardOpenOption.WRITE);
        } catch (IOException e) {
            warnings.add("the bridge is still in the caller's cgroup: " + procs + ": " + e.getMessage());
        }
    }
}
