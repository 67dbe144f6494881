package dev.jshim.ttrpc;

import java.nio.channels.Channel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.channels.spi.SelectorProvider;
import java.util.concurrent.ThreadFactory;

/** The kinds of threads, by name. */
final class Threads {
    static final ThreadFactory CALLS = Thread.ofVirtual().name("ttrpc-call-", 0).factory();
    private static final ThreadFactory CONNECTIONS =
            Thread.ofVirtual().name("ttrpc-conn-", 0).factory();

    private Threads() {}

    /**
     * Virtual threads for the JDK's own sockets, and for those that can be moved. Any other channel may block in a
     * native call, which would hold the carrier: it gets platform threads.
     */
    static ThreadFactory of(Channel channel) {
        if (channel instanceof MovableChannel) {
            return CONNECTIONS;
        }
        SelectorProvider provider = switch (channel) {
            case SocketChannel socket -> socket.provider();
            case ServerSocketChannel listener -> listener.provider();
            default -> null;
        };
        return SelectorProvider.provider().equals(provider) ? CONNECTIONS : PlatformThreads.FACTORY;
    }

    /** Made on first use. */
    private static final class PlatformThreads {
        static final ThreadFactory FACTORY =
                Thread.ofPlatform().daemon().name("ttrpc-native-", 0).factory();
    }
}
