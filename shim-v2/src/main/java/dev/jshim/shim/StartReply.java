package dev.jshim.shim;

import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.Fd;
import java.nio.charset.StandardCharsets;

/**
 * How this process answers the launcher script that started it: one line on descriptor 3, {@code ok} or {@code error},
 * and its end. containerd reads what the script prints as the shim's address, so that no message of the JVM may ever
 * get there: it has no way to.
 */
public final class StartReply {
    private static final int DESCRIPTOR = 3;

    private final Fd fd;

    /** Answers whoever started this process. */
    public StartReply() {
        this(Fd.of(DESCRIPTOR));
    }

    /** Answers there, and closes it. */
    StartReply(Fd fd) {
        this.fd = fd;
    }

    /** The shim serves; the script prints the text and ends. */
    public void ok(String text) throws ErrnoException {
        send("ok " + text);
    }

    /** The start failed; the script prints the text on stderr and ends with 1. */
    public void error(String text) throws ErrnoException {
        send("error " + text.replace('\n', ' '));
    }

    private void send(String line) throws ErrnoException {
        try (fd) {
            fd.writeFully((line + "\n").getBytes(StandardCharsets.UTF_8));
        }
    }
}
