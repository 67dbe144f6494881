package dev.jshim.linux;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A system call that failed. The message reads {@code mount /a on /b: EPERM (Operation not permitted)}. */
public final class ErrnoException extends IOException {
    private static final long serialVersionUID = 1L;

    private final String call;
    private final @Nullable String argument;
    private final int number;

    /**
     * @param call the call's name, as in its manual page
     * @param argument what it was called on, for the message
     * @param number errno, positive
     */
    public ErrnoException(String call, @Nullable String argument, int number) {
        super(message(call, argument, number));
        this.call = call;
        this.argument = argument;
        this.number = number;
    }

    ErrnoException(String call, @Nullable String argument, Errno errno) {
        this(call, argument, errno.number());
    }

    /** Which error; {@link Errno#UNKNOWN} for a number outside the table. */
    public Errno errno() {
        return Errno.of(number);
    }

    /** The name of the call. */
    public String call() {
        return call;
    }

    /** What the call was made on; null if there is nothing to name. */
    public @Nullable String argument() {
        return argument;
    }

    /** errno as the kernel gave it. */
    public int number() {
        return number;
    }

    private static String message(String call, @Nullable String argument, int number) {
        Errno errno = Errno.of(number);
        String error = errno == Errno.UNKNOWN ? "errno " + number : errno.name() + " (" + errno.text() + ')';
        return (argument == null ? call : call + ' ' + argument) + ": " + error;
    }
}
