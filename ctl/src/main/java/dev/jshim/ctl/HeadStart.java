package dev.jshim.ctl;

import dev.jshim.linux.OpenFiles;
import dev.jshim.linux.Processes;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.Set;

/**
 * What takes the JDK long and waits for nothing, in a thread beside picocli's work: the first unix socket, for which it
 * looks through its security providers, and linking the C library, for {@link Processes#exit}; and then the limit of
 * open files is raised. A thread that needs it earlier waits, as for any class that is being initialized.
 */
final class HeadStart implements Runnable {
    private static final Set<String> WITHOUT_NODE =
            Set.of("version", "completion", "help", "--help", "-h", "--version", "-V");

    private HeadStart() {}

    /**
     * Begins unless a command line asks for nothing that lies outside of this program; returns whether it has begun.
     */
    static boolean beginFor(String... args) {
        if (args.length == 0 || List.of(args).stream().anyMatch(WITHOUT_NODE::contains)) {
            return false;
        }
        Thread.ofPlatform().daemon().name("head-start").start(new HeadStart());
        return true;
    }

    @Override
    public void run() {
        try {
            SocketChannel.open(StandardProtocolFamily.UNIX).close();
            // On a node of a thousand shims they are asked side by side.
            OpenFiles.raise();
        } catch (IOException | LinkageError e) {
            // the first socket that is needed will say it; see exit for the other
        }
    }

    /** Ends the process; returns only if the C library cannot be called, which is no reason to fail what is done. */
    static void exit(int code) {
        try {
            Processes.exit(code);
        } catch (LinkageError e) {
            return;
        }
    }
}
