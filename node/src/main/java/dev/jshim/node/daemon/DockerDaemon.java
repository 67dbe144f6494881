package dev.jshim.node.daemon;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.jshim.node.NodePaths;
import dev.jshim.node.SmallFile;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.process.ProcessFacts;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A dockerd that runs, and whether its containers outlive it, by its command line, its configuration file and what it
 * says itself (moby v20.10.24 and v28.5.2, cmd/dockerd/config.go, config_unix.go, daemon/daemon_unix.go). Immutable.
 */
public final class DockerDaemon {
    /** What Go takes for true (strconv.ParseBool). */
    private static final Set<String> ON = Set.of("1", "t", "T", "true", "TRUE", "True");

    private static final String PROGRAM = "dockerd";
    private static final String FILE = "/etc/docker/daemon.json";
    private static final String EXEC_ROOT = "/var/run/docker";
    private static final Path SYSTEM = Path.of("/run/containerd/containerd.sock");
    private static final int MAX_BYTES = 1 << 20;
    /** Not of version 1.1, so that the answer ends with the connection and comes in one piece. */
    private static final String REQUEST = "GET /info HTTP/1.0\r\nHost: docker\r\n\r\n";

    private final ProcFs proc;
    private final ProcessFacts process;
    private final Path file;
    private final JsonObject told;

    private DockerDaemon(ProcFs proc, ProcessFacts process) {
        this.proc = proc;
        this.process = process;
        this.file = Path.of(flag("config-file", FILE));
        this.told = read(file);
    }

    /** Those that use the containerd with these directories and that socket. */
    public static List<DockerDaemon> of(ProcFs proc, NodePaths paths, Path address) {
        List<DockerDaemon> found = new ArrayList<>();
        for (var process : proc.named(Set.of(PROGRAM))) {
            var daemon = process.hasEnded() || proc.isElsewhere(process.pid()) ? null : new DockerDaemon(proc, process);
            if (daemon != null && daemon.uses(paths, address)) {
                found.add(daemon);
            }
        }
        return found;
    }

    /** One without an option for it takes the system's containerd if that runs, and else starts one. */
    private boolean uses(NodePaths paths, Path address) {
        var named = said("containerd", "");
        if (!named.isEmpty()) {
            return real(Path.of(named.replaceFirst("^unix://", ""))).equals(real(address));
        }
        var own = real(Path.of(said("exec-root", EXEC_ROOT), "containerd"));
        return real(paths.state()).startsWith(own)
                || (real(address).equals(real(SYSTEM))
                        && proc.named(Set.of("containerd")).stream()
                                .noneMatch(containerd -> containerd.ppid() == process.pid()));
    }

    /** Its process id. */
    public int pid() {
        return process.pid();
    }

    /**
     * Whether its containers run on when it stops.
     *
     * @param timeout for each of its sockets
     * @return null if it does not say
     */
    public @Nullable Boolean liveRestore(Duration timeout) {
        var sockets = new ArrayList<>(proc.listeningSockets(process.pid()));
        // It has others, for metrics and for runc's hook.
        sockets.sort(Comparator.comparing(socket -> !socket.endsWith("docker.sock")));
        for (var socket : sockets) {
            var said = info(socket, timeout).get("LiveRestoreEnabled");
            if (said != null && said.isJsonPrimitive()) {
                return said.getAsBoolean();
            }
        }
        return null;
    }

    /**
     * What ends containers, and what to do about it.
     *
     * @param what without a full stop
     * @param todo the same
     */
    public record Problem(String what, String todo) {
        @Override
        public String toString() {
            return what + ": " + todo;
        }
    }

    /**
     * What would end its containers when it is stopped, or when the one that comes after it starts; null if nothing
     * would.
     *
     * @param timeout for each of its sockets
     */
    public @Nullable Problem problem(Duration timeout) {
        var on = liveRestore(timeout);
        if (on != null && !on) {
            return new Problem(
                    "dockerd, process " + pid() + ", has live-restore off, and ends its containers when it stops",
                    "set \"live-restore\": true in " + file + ", then reload it (kill -HUP " + pid() + ")");
        }
        return ON.contains(said("live-restore", "false"))
                ? null
                : new Problem(
                        "neither " + file + " nor the command line of dockerd, process " + pid()
                                + ", sets live-restore, so the"
                                + " next dockerd would end its containers when it starts",
                        "set \"live-restore\": true in that file, then reload it (kill -HUP " + pid() + ")");
    }

    /** A setting as the next dockerd with the same command line finds it. */
    private String said(String name, String otherwise) {
        var inFile = told.get(name);
        return flag(name, inFile != null && inFile.isJsonPrimitive() ? inFile.getAsString() : otherwise);
    }

    private String flag(String name, String otherwise) {
        var argv = process.argv();
        var value = otherwise;
        for (var i = 1; i < argv.size(); i++) {
            var word = argv.get(i);
            if (word.startsWith("--" + name + "=")) {
                value = word.substring(name.length() + 3);
            } else if (word.equals("--" + name)) {
                // A flag that is on or off takes no word after it.
                value = i + 1 == argv.size() || argv.get(i + 1).startsWith("-") ? "true" : argv.get(i + 1);
            }
        }
        return value;
    }

    private static JsonObject read(Path file) {
        try {
            var bytes = SmallFile.bytes(file, MAX_BYTES);
            return object(bytes == null ? "" : new String(bytes, StandardCharsets.UTF_8));
        } catch (IOException e) {
            return new JsonObject();
        }
    }

    /** What a dockerd with that socket says of itself; nothing if it does not. */
    static JsonObject info(Path socket, Duration timeout) {
        try (var channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            var watch = Thread.ofVirtual().start(() -> closeAfter(channel, timeout));
            try {
                channel.connect(UnixDomainSocketAddress.of(socket));
                channel.write(ByteBuffer.wrap(REQUEST.getBytes(StandardCharsets.US_ASCII)));
                var answer = new ByteArrayOutputStream();
                answer.write(Channels.newInputStream(channel).readNBytes(MAX_BYTES));
                var text = answer.toString(StandardCharsets.UTF_8);
                return object(text.substring(text.indexOf("\r\n\r\n") + 1));
            } finally {
                watch.interrupt();
            }
        } catch (IOException | IllegalArgumentException e) {
            return new JsonObject();
        }
    }

    private static void closeAfter(SocketChannel channel, Duration timeout) {
        try {
            Thread.sleep(timeout);
            channel.close();
        } catch (InterruptedException | IOException e) {
            // It has answered, or is closed.
        }
    }

    private static JsonObject object(String text) {
        try {
            JsonElement parsed = JsonParser.parseString(text);
            return parsed.isJsonObject() ? parsed.getAsJsonObject() : new JsonObject();
        } catch (JsonParseException e) {
            return new JsonObject();
        }
    }

    private static Path real(Path path) {
        try {
            return path.toRealPath();
        } catch (IOException e) {
            return path.toAbsolutePath().normalize();
        }
    }
}
