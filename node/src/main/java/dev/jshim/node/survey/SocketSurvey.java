package dev.jshim.node.survey;

import dev.jshim.node.Tree;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.socket.NodeSocket;
import dev.jshim.node.socket.SocketFacts;
import dev.jshim.node.socket.UnixSocketTable;
import dev.jshim.task.ShimSocket;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Finds every shim socket of a node: those that bundles name, those that lie in the folders where shims put them, and
 * abstract names. Each is tried with a deadline of its own, all at once; a connection that is closed at once does a
 * shim no harm.
 */
public final class SocketSurvey {
    /** containerd's, for shims of every daemon (1.6.20, runtime/v2/shim/util_unix.go), and jshim's own. */
    public static final List<Path> FOLDERS = List.of(Path.of("/run/containerd/s"), Path.of("/run/jshim"));

    /** What every containerd has put in front of an abstract shim socket's name (1.3.8, runtime/v1/linux/bundle.go). */
    private static final String ABSTRACT = "/containerd-shim/";

    private static final int DEPTH = 4;

    private final ProcFs proc;
    private final List<Path> folders;
    private final Duration timeout;

    /** @param timeout for each connection */
    public SocketSurvey(ProcFs proc, Duration timeout) {
        this(proc, FOLDERS, timeout);
    }

    /** As the other, with other folders than {@code /run}'s. */
    public SocketSurvey(ProcFs proc, List<Path> folders, Duration timeout) {
        this.proc = proc;
        this.folders = List.copyOf(folders);
        this.timeout = timeout;
    }

    /** All sockets: those of the bundles in their order, then the others. */
    public List<NodeSocket> of(Node node) {
        var table = proc.unixSockets();
        var named = new LinkedHashMap<ShimSocket, List<TaskId>>();
        for (var bundle : node.bundles()) {
            var socket = bundle.socket();
            if (socket != null) {
                named.computeIfAbsent(socket, _ -> new ArrayList<>()).add(bundle.task());
            }
        }
        var places = new ArrayList<>(folders);
        places.add(node.paths().state().resolve("jshim"));
        places.forEach(folder -> files(folder, named));
        table.abstractNames().stream()
                .filter(name -> name.startsWith(ABSTRACT))
                .sorted()
                .forEach(name -> named.putIfAbsent(new ShimSocket.Abstract(name), List.of()));
        return tryAll(named, table);
    }

    private List<NodeSocket> tryAll(Map<ShimSocket, List<TaskId>> named, UnixSocketTable table) {
        try (var threads = Executors.newThreadPerTaskExecutor(
                task -> Thread.ofVirtual().name("sockets").unstarted(task))) {
            var running = new ArrayList<Future<NodeSocket>>();
            named.forEach((socket, tasks) -> running.add(threads.submit(() -> {
                var facts = SocketFacts.of(socket, table);
                return new NodeSocket(facts, tasks, facts.exists() ? NodeSocket.tryConnect(socket, timeout) : null);
            })));
            return running.stream().map(TaskSurvey::result).toList();
        }
    }

    /** The sockets in a folder and in those below it; a folder that is not there or not ours to list has none. */
    private static void files(Path folder, Map<ShimSocket, List<TaskId>> out) {
        try {
            Tree.readable(folder, DEPTH).stream()
                    .filter(SocketSurvey::isSocket)
                    .sorted()
                    .forEach(file -> out.putIfAbsent(new ShimSocket.Named(file), List.of()));
        } catch (IOException e) {
            return; // Not ours to list either.
        }
    }

    private static boolean isSocket(Path file) {
        try {
            return Files.getAttribute(file, "unix:mode", LinkOption.NOFOLLOW_LINKS) instanceof Integer mode
                    && (mode & 0170000) == 0140000;
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }
}
