package dev.jshim.linux;

/** Sizes and offsets, in bytes, of the kernel's and glibc's structures; a test compares them with a C compiler's. */
final class Layouts {
    static final int STATX_SIZE = 256;
    static final int STATX_UID = 20;
    static final int STATX_GID = 24;
    static final int STATX_MODE = 28;
    static final int STATX_INO = 32;
    static final int STATX_SIZE_FIELD = 40;
    static final int STATX_RDEV_MAJOR = 128;
    static final int STATX_DEV_MAJOR = 136;

    /** struct epoll_event is packed on x86_64 alone. */
    static final int EPOLL_EVENT_SIZE = Syscall.X86_64 ? 12 : 16;

    static final int EPOLL_EVENT_DATA = Syscall.X86_64 ? 4 : 8;

    /** struct inotify_event without the name that may follow it. */
    static final int INOTIFY_EVENT_SIZE = 16;

    static final int INOTIFY_EVENT_WATCH = 0;
    static final int INOTIFY_EVENT_LENGTH = 12;

    static final int SIGINFO_SIZE = 128;
    static final int SIGINFO_CODE = 8;
    static final int SIGINFO_PID = 16;
    static final int SIGINFO_STATUS = 24;

    /** The kernel's struct termios, which is not glibc's. */
    static final int TERMIOS_SIZE = 36;

    static final int TERMIOS_CC = 17;
    static final int VTIME = 5;
    static final int VMIN = 6;

    static final int SIGSET_SIZE = 128;

    /** What we reserve; glibc needs 336 on both architectures. */
    static final int SPAWN_ATTRIBUTES_SIZE = 512;

    /** What we reserve; glibc needs 80. */
    static final int SPAWN_ACTIONS_SIZE = 256;

    private Layouts() {}
}
