package dev.jshim.shim;

import dev.jshim.linux.Spawn;
import dev.jshim.shim.keeper.Keeper;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.nio.channels.ServerSocketChannel;

/**
 * What takes the JDK long and waits for nothing, begun in a thread of its own when a start begins: linking the C
 * library, and for a shim without a keeper the first unix socket, for which the JDK looks through its security
 * providers. A thread that needs it earlier waits, as for any class that is being initialized.
 */
final class HeadStart implements Runnable {
    private HeadStart() {}

    /** Returns at once. */
    static void begin() {
        Thread.ofPlatform().daemon().name("head-start").start(new HeadStart());
    }

    @Override
    public void run() {
        Spawn.link();
        if (Keeper.isInherited()) {
            return; // Its sockets are not the JDK's.
        }
        try {
            ServerSocketChannel.open(StandardProtocolFamily.UNIX).close();
        } catch (IOException e) {
            // The socket that is meant to serve will say it.
        }
    }
}
