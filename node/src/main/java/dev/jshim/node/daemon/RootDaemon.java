package dev.jshim.node.daemon;

import dev.jshim.node.Answer;
import dev.jshim.node.process.ProcFs;
import dev.jshim.node.process.ProcessFacts;
import dev.jshim.task.Printable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The containerd of a root directory, as long as it runs: by who holds its metadata ({@link Metadata}), and asked over
 * the socket on which that process really listens. What configurations, flags and defaults say of the socket is looked
 * at only if nobody holds them. Each question looks again.
 */
public final class RootDaemon {
    private static final int UNLIKELY = 2;
    private static final Answer<ContainerdVersion> MUTE = new Answer.Mute<>(Duration.ZERO);

    private final ProcFs proc;
    private final Metadata metadata;
    private final Path root;
    private final Path said;
    private final Duration timeout;

    /**
     * The daemon of a root directory, whether it runs or not.
     *
     * @param said where its gRPC socket is said to be
     * @param timeout for each question to it
     */
    public RootDaemon(Path root, Path said, Duration timeout) {
        this(root, said, timeout, ProcFs.system());
    }

    RootDaemon(Path root, Path said, Duration timeout, ProcFs proc) {
        this.root = root;
        this.said = said;
        this.timeout = timeout;
        this.proc = proc;
        this.metadata = new Metadata(proc);
    }

    /**
     * What there is.
     *
     * @param holder who has the root's metadata, in words; empty if nobody has: what answers then answers on the socket
     *     that was said, and may be one that starts
     * @param socket its gRPC socket, else the one that was said
     * @param version what it says of itself; absent if no containerd runs for this root
     * @param rival of whom the socket is that was said, a containerd with another root, in words; empty if it is not
     */
    public record Found(String holder, Path socket, Answer<ContainerdVersion> version, String rival) {
        /** To ask it more; answers each question as absent if there is none. */
        public ContainerdClient client(Duration timeout) {
            return version instanceof Answer.Absent<ContainerdVersion>(var reason)
                    ? ContainerdClient.none(reason)
                    : new ContainerdClient(socket, timeout);
        }
    }

    /**
     * Looks for it, and asks it for its version. One that cannot be asked is not absent.
     *
     * @throws IOException if it cannot be found out whether there is one
     */
    public Found find() throws IOException {
        var rival = rival();
        var holders = metadata.holders(root);
        if (holders.isEmpty() && metadata.isHeld(root)) {
            holders = metadata.openers(root);
            if (holders.isEmpty()) {
                return new Found("a process in another pid namespace", said, MUTE, rival);
            }
        }
        if (!holders.isEmpty()) {
            return ask(holders, rival);
        }
        return new Found("", said, rival.isEmpty() ? version(said) : new Answer.Absent<>(rival), rival);
    }

    private Found ask(List<ProcessFacts> holders, String rival) {
        var words = words(holders.getFirst());
        var best = new Found(words, said, MUTE, rival);
        var isMute = false;
        for (var socket : sockets(holders)) {
            if (isMute && rank(socket) >= UNLIKELY) {
                return best;
            }
            var version = version(socket);
            isMute |= version instanceof Answer.Mute<ContainerdVersion>;
            if (!(version instanceof Answer.Absent<ContainerdVersion>)) {
                best = new Found(words, socket, version, rival);
            }
            if (version.orNull() != null) {
                return best;
            }
        }
        return best;
    }

    private static String words(ProcessFacts process) {
        return "process " + process.pid() + " (" + Printable.of(process.program()) + ")";
    }

    /**
     * Its gRPC socket, as far as that shows without many questions; null if nobody holds the root's metadata, or none
     * of the holder's sockets can be it.
     */
    public @Nullable Path socket() {
        var holders = metadata.holders(root);
        if (holders.isEmpty()) {
            return null;
        }
        var sockets = sockets(holders);
        var likely = sockets.stream().filter(socket -> rank(socket) < UNLIKELY).toList();
        if (sockets.isEmpty() || likely.size() == 1 || rank(sockets.getFirst()) == 0) {
            return sockets.isEmpty() ? null : sockets.getFirst();
        }
        var found = ask(holders, "");
        return found.version().orNull() == null ? null : found.socket();
    }

    /** The most likely one first: each that does not answer costs the timeout. */
    private List<Path> sockets(List<ProcessFacts> holders) {
        Set<Path> sockets = new LinkedHashSet<>();
        for (var holder : holders) {
            if (metadata.isOwners(holder.pid(), root)) {
                sockets.addAll(proc.listeningSockets(holder.pid()));
            }
        }
        var sorted = new ArrayList<>(sockets);
        sorted.sort(Comparator.comparingInt(this::rank).thenComparing(Comparator.naturalOrder()));
        return sorted;
    }

    private int rank(Path socket) {
        var name = String.valueOf(socket.getFileName());
        if (isSame(socket, said)) {
            return 0;
        }
        return name.endsWith(".ttrpc") || name.contains("debug") || name.contains("nri") ? UNLIKELY : 1;
    }

    private String rival() {
        for (var holder : metadata.all()) {
            var pid = holder.process().pid();
            if (!isSame(holder.root(), root)
                    && proc.listeningSockets(pid).stream().anyMatch(socket -> isSame(socket, said))) {
                return words(holder.process()) + " listens on " + said + ", and its root is "
                        + Printable.of(holder.root().toString());
            }
        }
        return "";
    }

    private static boolean isSame(Path one, Path other) {
        try {
            return one.equals(other) || Files.isSameFile(one, other);
        } catch (IOException e) {
            return false;
        }
    }

    /** Netty is loaded only if there is a socket to ask. */
    private Answer<ContainerdVersion> version(Path socket) {
        if (!Files.exists(socket)) {
            return new Answer.Absent<>("no containerd answers on " + socket);
        }
        try (var client = new ContainerdClient(socket, timeout)) {
            return client.version();
        }
    }
}
