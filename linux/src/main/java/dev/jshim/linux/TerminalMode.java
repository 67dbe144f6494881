package dev.jshim.linux;

import java.util.Arrays;

/**
 * How a terminal treats what goes through it: struct termios of the kernel (ioctl_tty(2), termios(3)). Immutable; any
 * thread. To set it from a process in the terminal's background stops that process (SIGTTOU).
 */
public final class TerminalMode {
    private static final int TCGETS = 0x5401;

    /** As TCSETSW of tcsetattr(3)'s TCSADRAIN: what was written before still goes out in the old mode. */
    private static final int TCSETSW = 0x5403;

    private static final int IFLAG = 0;
    private static final int OFLAG = 4;
    private static final int CFLAG = 8;
    private static final int LFLAG = 12;

    /** IGNBRK, BRKINT, PARMRK, ISTRIP, INLCR, IGNCR, ICRNL, IXON. */
    private static final int INPUT = 0x1 | 0x2 | 0x8 | 0x20 | 0x40 | 0x80 | 0x100 | 0x400;

    /** OPOST. */
    private static final int OUTPUT = 0x1;

    /** ECHO, ECHONL, ICANON, ISIG, IEXTEN. */
    private static final int LOCAL = 0x8 | 0x40 | 0x2 | 0x1 | 0x8000;

    /** CSIZE, PARENB. */
    private static final int CONTROL = 0x30 | 0x100;

    private static final int CS8 = 0x30;

    private final byte[] termios;

    private TerminalMode(byte[] termios) {
        this.termios = termios;
    }

    /** The mode as it is; ENOTTY if the descriptor is no terminal. */
    public static TerminalMode of(Fd terminal) throws ErrnoException {
        try (var memory = new Memory()) {
            var block = memory.block(Layouts.TERMIOS_SIZE);
            var done = NativeCall.retrying(Syscall.IOCTL, terminal.number(), TCGETS, block.address());
            NativeCall.check(done, "ioctl TCGETS", terminal);
            var termios = new byte[Layouts.TERMIOS_SIZE];
            block.buffer().get(0, termios);
            return new TerminalMode(termios);
        }
    }

    /** The same terminal with every key passed on at once and untouched, as cfmakeraw(3). */
    public TerminalMode raw() {
        try (var memory = new Memory()) {
            var block = memory.bytes(termios, 0, termios.length);
            var fields = block.buffer();
            fields.putInt(IFLAG, fields.getInt(IFLAG) & ~INPUT);
            fields.putInt(OFLAG, fields.getInt(OFLAG) & ~OUTPUT);
            fields.putInt(CFLAG, (fields.getInt(CFLAG) & ~CONTROL) | CS8);
            fields.putInt(LFLAG, fields.getInt(LFLAG) & ~LOCAL);
            fields.put(Layouts.TERMIOS_CC + Layouts.VTIME, (byte) 0);
            fields.put(Layouts.TERMIOS_CC + Layouts.VMIN, (byte) 1);
            var changed = new byte[termios.length];
            fields.get(0, changed);
            return new TerminalMode(changed);
        }
    }

    /** Gives a terminal this mode. */
    public void set(Fd terminal) throws ErrnoException {
        try (var memory = new Memory()) {
            var block = memory.bytes(termios, 0, termios.length);
            var done = NativeCall.retrying(Syscall.IOCTL, terminal.number(), TCSETSW, block.address());
            NativeCall.check(done, "ioctl TCSETSW", terminal);
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TerminalMode mode && Arrays.equals(termios, mode.termios);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(termios);
    }
}
