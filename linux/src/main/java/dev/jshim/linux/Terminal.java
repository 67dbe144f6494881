package dev.jshim.linux;

/** What can be asked of a terminal's master (ioctl_tty(2)). Any thread; never blocks. */
public final class Terminal {
    private static final int TIOCGWINSZ = 0x5413;
    private static final int TIOCSWINSZ = 0x5414;
    private static final int WINSIZE = 8;

    private Terminal() {}

    /** A terminal's size in characters. */
    public record Size(int columns, int rows) {}

    /** Sets the size; what runs in the terminal gets SIGWINCH if it changes. */
    public static void resize(Fd master, Size size) throws ErrnoException {
        try (var memory = new Memory()) {
            var winsize = memory.block(WINSIZE);
            winsize.buffer().putShort(0, (short) size.rows()).putShort(2, (short) size.columns());
            var done = NativeCall.retrying(Syscall.IOCTL, master.number(), TIOCSWINSZ, winsize.address());
            NativeCall.check(done, "ioctl TIOCSWINSZ", master);
        }
    }

    /** The size as it is. */
    public static Size size(Fd master) throws ErrnoException {
        try (var memory = new Memory()) {
            var winsize = memory.block(WINSIZE);
            var done = NativeCall.retrying(Syscall.IOCTL, master.number(), TIOCGWINSZ, winsize.address());
            NativeCall.check(done, "ioctl TIOCGWINSZ", master);
            return new Size(
                    Short.toUnsignedInt(winsize.buffer().getShort(2)),
                    Short.toUnsignedInt(winsize.buffer().getShort(0)));
        }
    }
}
