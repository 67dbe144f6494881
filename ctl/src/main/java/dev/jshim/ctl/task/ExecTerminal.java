package dev.jshim.ctl.task;

import dev.jshim.ctl.cli.CliException;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.Fd;
import dev.jshim.linux.SignalHandler;
import dev.jshim.linux.Terminal;
import dev.jshim.linux.TerminalMode;
import java.util.function.Consumer;

/**
 * Our own terminal while a command in a container has it: each key goes to the command, Ctrl-C too. {@link #close}
 * makes it as it was before; it may be called by any thread, and again.
 */
final class ExecTerminal implements AutoCloseable {
    private static final int STDIN = 0;

    private final Fd terminal;
    private final TerminalMode before;

    private ExecTerminal(Fd terminal, TerminalMode before) {
        this.terminal = terminal;
        this.before = before;
    }

    /** Of our stdin, which must be a terminal; nothing of it is changed yet. */
    static ExecTerminal open() {
        // not closed: the number is System.in's
        return of(Fd.of(STDIN));
    }

    static ExecTerminal of(Fd terminal) {
        try {
            return new ExecTerminal(terminal, TerminalMode.of(terminal));
        } catch (ErrnoException e) {
            var failure = CliException.usage(
                    "--tty needs a terminal, but stdin is not one", "leave --tty out; -i passes on input from a pipe");
            failure.initCause(e);
            throw failure;
        }
    }

    /** Its size; nothing in both if it has none. */
    Terminal.Size size() {
        try {
            return Terminal.size(terminal);
        } catch (ErrnoException e) {
            return new Terminal.Size(0, 0);
        }
    }

    /** From now on every key goes through. */
    void raw() {
        try {
            before.raw().set(terminal);
        } catch (ErrnoException e) {
            var failure = CliException.failed("the terminal cannot be used: " + e.getMessage(), "");
            failure.initCause(e);
            throw failure;
        }
    }

    /** Reports the size now, and whenever it changes. */
    void follow(Consumer<Terminal.Size> onSize) {
        try {
            SignalHandler.install("WINCH", () -> tell(onSize));
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("this JVM keeps SIGWINCH for itself", e);
        }
        tell(onSize);
    }

    /** One at a time: if the first of two changes were sent last, it would be the one that stays. */
    private synchronized void tell(Consumer<Terminal.Size> onSize) {
        var size = size();
        if (size.columns() > 0 && size.rows() > 0) {
            onSize.accept(size);
        }
    }

    @Override
    public void close() {
        try {
            before.set(terminal);
        } catch (ErrnoException e) {
            // it is gone: who sat there has hung up
            return;
        }
    }
}
