package dev.jshim.bridge;

import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchService;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Waits for a daemon to listen on a socket, and sees it within a moment: what it does before we have seen it we do not
 * hear of. For one thread, which it blocks.
 */
final class SocketArrival {
    /** Between the making of a socket and its first connection: bind(2) and listen(2) are two calls. */
    private static final Duration LISTENS = Duration.ofMillis(200);

    private static final Duration RETRY = Duration.ofMillis(2);

    private SocketArrival() {}

    /**
     * Waits until somebody listens there.
     *
     * @return false where nobody did for that time
     */
    static boolean await(Path socket, Duration atMost) throws InterruptedException {
        if (isListening(socket)) {
            return true;
        }
        try (var watch = watch(socket)) {
            if (isListening(socket)) {
                return true;
            }
            if (watch == null) {
                Thread.sleep(atMost);
                return isListening(socket);
            }
            return awaitCreation(watch, socket, System.nanoTime() + atMost.toNanos());
        } catch (IOException e) {
            Thread.sleep(atMost);
            return isListening(socket);
        }
    }

    private static boolean awaitCreation(WatchService watch, Path socket, long end) throws InterruptedException {
        while (true) {
            var key = watch.poll(end - System.nanoTime(), TimeUnit.NANOSECONDS);
            if (key == null) {
                return isListening(socket);
            }
            var isIt = key.pollEvents().stream()
                    .anyMatch(event -> socket.getFileName().equals(event.context()));
            key.reset();
            if (isIt && isListeningSoon(socket)) {
                return true;
            }
        }
    }

    private static boolean isListeningSoon(Path socket) throws InterruptedException {
        var end = System.nanoTime() + LISTENS.toNanos();
        while (System.nanoTime() < end) {
            if (isListening(socket)) {
                return true;
            }
            Thread.sleep(RETRY);
        }
        return false;
    }

    private static @Nullable WatchService watch(Path socket) throws IOException {
        var folder = socket.getParent();
        if (folder == null) {
            return null;
        }
        var watch = folder.getFileSystem().newWatchService();
        try {
            var _ = folder.register(watch, StandardWatchEventKinds.ENTRY_CREATE);
            return watch;
        } catch (IOException e) {
            watch.close();
            return null;
        }
    }

    /** Whether there is anybody at all, asked without the cost of gRPC. */
    static boolean isListening(Path socket) {
        try (var channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.configureBlocking(false);
            channel.connect(UnixDomainSocketAddress.of(socket));
            return true;
        } catch (ConnectException e) {
            return false;
        } catch (IOException e) {
            // One that is there and does not refuse: so many wait for somebody to be accepted that there is no room.
            return Files.exists(socket);
        }
    }
}
