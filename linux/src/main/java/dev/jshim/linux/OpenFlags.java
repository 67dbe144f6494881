package dev.jshim.linux;

/** The flags of open(2). Four of them differ between x86_64 and aarch64, so they are not all compile-time constants. */
public final class OpenFlags {
    public static final int O_RDONLY = 0;
    public static final int O_WRONLY = 1;
    public static final int O_RDWR = 2;
    public static final int O_CREAT = 0x40;
    public static final int O_EXCL = 0x80;
    public static final int O_NOCTTY = 0x100;
    public static final int O_TRUNC = 0x200;
    public static final int O_APPEND = 0x400;
    public static final int O_NONBLOCK = 0x800;
    public static final int O_DIRECTORY = Syscall.X86_64 ? 0x1_0000 : 0x4000;
    public static final int O_NOFOLLOW = Syscall.X86_64 ? 0x2_0000 : 0x8000;
    public static final int O_CLOEXEC = 0x8_0000;
    public static final int O_PATH = 0x20_0000;

    private OpenFlags() {}
}
