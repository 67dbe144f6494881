package dev.jshim.ttrpc;

import java.nio.channels.Channel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.channels.spi.SelectorProvider;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/** The kinds of threads, by name. */
final class Threads {
    static final ThreadFactory CALLS = virtual("ttrpc-call-");
    private static final ThreadFactory CONNECTIONS = virtual("ttrpc-conn-");

    private static final long RETRY_NANOS = 100_000_000L;

    private Threads() {}

    /**
     * Starts what has to be done. If no thread is to be had, as when a fork bomb has taken all, it waits for one: what
     * waits for this task would wait forever, and a connection that is closed instead is taken for a dead peer.
     */
    static void start(ThreadFactory threads, Runnable task) {
        boolean waits = false;
        while (true) {
            try {
                threads.newThread(task).start();
                return;
            } catch (OutOfMemoryError e) {
                if (!waits) {
                    Log.warn("waits for a thread", e);
                }
                waits = true;
                LockSupport.parkNanos(RETRY_NANOS);
            }
        }
    }

    /**
     * Virtual threads for the JDK's own sockets, and for those that outlive this process. Any other channel may block
     * in a native call, which would hold the carrier: it gets platform threads.
     */
    static ThreadFactory of(Channel channel) {
        if (channel instanceof NotedChannel || channel instanceof KeptChannel) {
            return CONNECTIONS;
        }
        // No switch over the types: its linkage costs a start 5 ms, which an AOT cache does not save.
        SelectorProvider provider = null;
        if (channel instanceof SocketChannel socket) {
            provider = socket.provider();
        } else if (channel instanceof ServerSocketChannel listener) {
            provider = listener.provider();
        }
        return SelectorProvider.provider().equals(provider) ? CONNECTIONS : PlatformThreads.FACTORY;
    }

    /**
     * Virtual threads, counted. Not by the JDK's builder, which has five classes made at the first name: they are in no
     * AOT cache, and each process needs 4 ms for them.
     */
    private static ThreadFactory virtual(String prefix) {
        AtomicLong count = new AtomicLong();
        return task -> Thread.ofVirtual().name(prefix + count.getAndIncrement()).unstarted(task);
    }

    /** Made on first use. */
    private static final class PlatformThreads {
        static final ThreadFactory FACTORY =
                Thread.ofPlatform().daemon().name("ttrpc-native-", 0).factory();
    }
}
