package dev.jshim.linux;

import java.util.Locale;

/** The system calls in use, with their numbers on x86_64 and on aarch64 (asm/unistd_64.h, asm-generic/unistd.h). */
enum Syscall {
    READ(0, 63),
    WRITE(1, 64),
    CLOSE(3, 57),
    LSEEK(8, 62),
    PREAD64(17, 67),
    PWRITE64(18, 68),
    MEMFD_CREATE(319, 279),
    OPENAT(257, 56),
    DUP3(292, 24),
    FCNTL(72, 25),
    FLOCK(73, 32),
    PIPE2(293, 59),
    MKNODAT(259, 33),
    FCHMODAT(268, 53),
    FCHOWNAT(260, 54),
    FCHOWN(93, 55),
    UMASK(95, 166),
    STATX(332, 291),
    FSYNC(74, 82),
    SPLICE(275, 76),
    EPOLL_CREATE1(291, 20),
    EPOLL_CTL(233, 21),
    EPOLL_PWAIT(281, 22),
    PPOLL(271, 73),
    EVENTFD2(290, 19),
    INOTIFY_INIT1(294, 26),
    INOTIFY_ADD_WATCH(254, 27),
    INOTIFY_RM_WATCH(255, 28),
    MOUNT(165, 40),
    UMOUNT2(166, 39),
    KILL(62, 129),
    SETSID(112, 157),
    GETPID(39, 172),
    EXIT_GROUP(231, 94),
    PRCTL(157, 167),
    MADVISE(28, 233),
    PRLIMIT64(302, 261),
    PIDFD_OPEN(434, 434),
    PIDFD_SEND_SIGNAL(424, 424),
    WAITID(247, 95),
    UNSHARE(272, 97),
    CHDIR(80, 49),
    IOCTL(16, 29),
    SOCKET(41, 198),
    BIND(49, 200),
    LISTEN(50, 201),
    ACCEPT4(288, 242),
    CONNECT(42, 203),
    SENDTO(44, 206),
    RECVFROM(45, 207),
    SOCKETPAIR(53, 199),
    SENDMSG(46, 211),
    RECVMSG(47, 212),
    SHUTDOWN(48, 210),
    GETSOCKOPT(55, 209);

    static final boolean X86_64 = isX86(System.getProperty("os.arch", ""));

    private final int x86;
    private final int arm;

    Syscall(int x86, int arm) {
        this.x86 = x86;
        this.arm = arm;
    }

    int number() {
        return X86_64 ? x86 : arm;
    }

    int x86() {
        return x86;
    }

    int arm() {
        return arm;
    }

    private static boolean isX86(String architecture) {
        return switch (architecture.toLowerCase(Locale.ROOT)) {
            case "amd64", "x86_64" -> true;
            case "aarch64" -> false;
            default -> throw new UnsupportedOperationException("jshim knows no system calls of " + architecture);
        };
    }
}
