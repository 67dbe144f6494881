package dev.jshim.node.process;

import dev.jshim.linux.FileCalls;
import java.io.IOException;
import java.io.InputStream;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The stacks of a JVM's threads, by HotSpot's attach protocol (jdk-25, src/hotspot/os/posix/attachListener_posix.cpp):
 * a file {@code .attach_pid} and SIGQUIT make it listen on a socket of its own, where it is asked in text. It is what
 * jstack does; a JVM takes no harm.
 */
public final class JvmStacks {
    private static final int SIGQUIT = 3;
    private static final long PAUSE_MILLIS = 20;
    private static final byte[] REQUEST = "1\0threaddump\0\0\0\0".getBytes(StandardCharsets.US_ASCII);

    private JvmStacks() {}

    /** Whether a process is a JVM that handles SIGQUIT: any other would be ended by it. */
    public static boolean isJvm(ProcessFacts process, ProcFs proc) {
        var exe = process.exe();
        return exe != null && exe.endsWith("java") && proc.catches(process.pid(), SIGQUIT);
    }

    /**
     * The dump.
     *
     * @throws IOException that says why there is none, also when the time is over
     */
    public static String of(ProcessFacts process, ProcFs proc, Duration timeout) throws IOException {
        var end = System.nanoTime() + timeout.toNanos();
        // its own /tmp, if it has another than ours; names in it are by its own pid
        var tmp = Path.of("/proc", Integer.toString(process.pid()), "root/tmp");
        var pid = proc.innermostPid(process.pid());
        var socket = tmp.resolve(".java_pid" + pid);
        if (!Files.exists(socket, LinkOption.NOFOLLOW_LINKS)) {
            wake(process, proc, tmp.resolve(".attach_pid" + pid), socket, end);
        }
        if (FileCalls.lstat(socket).uid()
                != FileCalls.stat(Path.of("/proc", Integer.toString(process.pid())))
                        .uid()) {
            // Anybody can make one of that name in /tmp.
            throw new IOException(socket + " belongs to a user other than the JVM's: remove it");
        }
        var answer = new CompletableFuture<String>();
        try (var connection = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            connection.write(ByteBuffer.wrap(REQUEST));
            Thread.ofVirtual().name("jvm-stacks").start(() -> read(Channels.newInputStream(connection), answer));
            var text = answer.get(Math.max(1, end - System.nanoTime()), TimeUnit.NANOSECONDS);
            // the first line is the result's number
            return text.substring(text.indexOf('\n') + 1);
        } catch (ExecutionException e) {
            throw new IOException("the JVM's answer broke off: " + e.getMessage(), e);
        } catch (TimeoutException e) {
            throw new IOException("the JVM did not answer within " + timeout.toMillis() + " ms", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    private static void wake(ProcessFacts process, ProcFs proc, Path request, Path socket, long end)
            throws IOException {
        Files.createFile(request);
        try {
            var why = ProcessSignal.send(
                    process.pid(), SIGQUIT, now -> now.ref().equals(process.ref()) && isJvm(now, proc));
            if (why != null) {
                throw new IOException(why);
            }
            while (!Files.exists(socket, LinkOption.NOFOLLOW_LINKS)) {
                if (System.nanoTime() - end >= 0) {
                    throw new IOException("the JVM did not start to listen: it may be stopped");
                }
                Thread.sleep(PAUSE_MILLIS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } finally {
            Files.deleteIfExists(request);
        }
    }

    private static void read(InputStream in, CompletableFuture<String> answer) {
        try {
            answer.complete(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            answer.completeExceptionally(e);
        }
    }
}
