package dev.jshim.linux;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Mounts and unmounts in this process' mount namespace, with containerd's meaning of a mount (core/mount, v2.1.0).
 *
 * <p>Calls do not wait for the network or a daemon by themselves, but a file system may: use a platform thread for
 * types that are not overlay, bind or tmpfs.
 */
public final class Mounts {
    /** The kernel copies one page and ends it with a NUL: longer data would be cut without a word. */
    private static final int MAX_DATA = 4095;

    /** From this length on containerd shortens the lower directories of an overlay. */
    private static final int COMPACT_FROM = 4096 - 512;

    private Mounts() {}

    /**
     * mount(2), with flags of {@link MountFlags}. The data is at most 4095 bytes.
     *
     * @param type may be empty for a bind mount, a remount or a change of propagation
     * @throws ErrnoException also E2BIG for longer data
     */
    public static void mount(String source, Path target, String type, long flags, String data) throws ErrnoException {
        try (Memory memory = new Memory()) {
            mount(memory, source, target, type, flags, data);
        }
    }

    /** umount2(2), with MNT_DETACH, UMOUNT_NOFOLLOW or 0. EINVAL if nothing is mounted. */
    public static void unmount(Path target, int flags) throws ErrnoException {
        NativeCall.check(unmountResult(target, flags), "umount", target);
    }

    /**
     * Mounts all, in order, each below the root file system. When one fails, those before it are taken away again.
     *
     * @throws ErrnoException of the failing mount; EOPNOTSUPP for the kinds that are not supported: fuse helpers, loop
     *     devices, mapped ids
     */
    public static void mountAll(List<MountSpec> mounts, Path rootfs) throws IOException {
        List<Path> done = new ArrayList<>();
        try {
            for (MountSpec spec : mounts) {
                Path target = RootPath.resolve(rootfs, spec.target());
                mount(spec, target);
                done.add(target);
            }
        } catch (IOException | RuntimeException e) {
            for (Path target : done.reversed()) {
                unmountResult(target, MountFlags.MNT_DETACH | MountFlags.UMOUNT_NOFOLLOW);
            }
            throw e;
        }
    }

    /**
     * Takes away all mounts at and below a path, the deepest first; one that is busy is detached, and goes when its
     * last user goes. A missing path, or one with nothing mounted, is no error. The last component is not followed if
     * it is a symbolic link.
     *
     * @throws IOException of the last mount that could not be taken away, after all were tried
     */
    public static void unmountRecursive(Path path) throws IOException {
        Path canonical = canonical(path);
        if (canonical == null) {
            return;
        }
        List<String> targets = new ArrayList<>(MountPoint.all().reversed().stream()
                .filter(mount -> mount.isAtOrBelow(canonical))
                .map(MountPoint::path)
                .toList());
        targets.sort((one, other) -> Integer.compare(other.length(), one.length()));
        ErrnoException failure = null;
        for (String target : targets) {
            try {
                unmountOne(target);
            } catch (ErrnoException e) {
                failure = e;
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    /** Whether something is mounted exactly here; false for a missing path. A bind mount counts. */
    public static boolean isMountPoint(Path path) throws IOException {
        Path canonical = canonical(path);
        return canonical != null
                && MountPoint.all().stream().anyMatch(mount -> mount.path().equals(canonical.toString()));
    }

    private static void mount(MountSpec spec, Path target) throws ErrnoException {
        MountOptions options = MountOptions.parse(spec.options());
        refuseUnsupported(spec, options, target);
        if ((options.flags() & MountFlags.MS_REMOUNT) == 0 || !options.data().isEmpty()) {
            mountData(spec, target, options);
        }
        if (options.propagation() != 0) {
            mount("", target, "", options.propagation(), "");
        }
        // A bind mount takes no flags of its own when it is made: read-only needs a second call.
        long readOnlyBind = MountFlags.MS_BIND | MountFlags.MS_RDONLY;
        if ((options.flags() & readOnlyBind) == readOnlyBind) {
            try {
                mount("", target, "", options.flags() | MountFlags.MS_REMOUNT, "");
            } catch (ErrnoException e) {
                if ((options.flags() & MountFlags.MS_REMOUNT) == 0) {
                    unmountResult(target, MountFlags.MNT_DETACH | MountFlags.UMOUNT_NOFOLLOW);
                }
                throw e;
            }
        }
    }

    private static void mountData(MountSpec spec, Path target, MountOptions options) throws ErrnoException {
        Overlay overlay = new Overlay(null, options.data());
        if (spec.type().equals("overlay") && options.dataString().length() >= COMPACT_FROM) {
            overlay = Overlay.compact(options.data());
        }
        String data = String.join(",", overlay.data());
        Path directory = overlay.directory();
        if (directory == null) {
            mount(spec.source(), target, spec.type(), options.flags(), data);
            return;
        }
        Path absolute = target.toAbsolutePath();
        DirectoryThread.run(directory, () -> {
            mount(spec.source(), absolute, spec.type(), options.flags(), data);
            return 0;
        });
    }

    private static void refuseUnsupported(MountSpec spec, MountOptions options, Path target) throws ErrnoException {
        String what = null;
        if (spec.type().startsWith("fuse.") || spec.type().startsWith("fuse3.")) {
            what = "type " + spec.type() + ", which needs a helper program,";
        } else if (options.loop()) {
            what = "option loop";
        } else if (options.data().stream().anyMatch(o -> o.startsWith("uidmap=") || o.startsWith("gidmap="))) {
            what = "mapped ids";
        }
        if (what != null) {
            throw new ErrnoException("mount", what + " on " + target, Errno.EOPNOTSUPP);
        }
    }

    private static void mount(Memory memory, String source, Path target, String type, long flags, String data)
            throws ErrnoException {
        String argument = (source.isEmpty() ? type : source) + " on " + target;
        if (data.getBytes(StandardCharsets.UTF_8).length > MAX_DATA) {
            throw new ErrnoException("mount", argument + " with " + data.length() + " bytes of options", Errno.E2BIG);
        }
        long result = NativeCall.once(
                Syscall.MOUNT,
                memory.text(source.isEmpty() ? "none" : source),
                memory.path(target),
                memory.text(type),
                flags,
                data.isEmpty() ? 0 : memory.text(data),
                0);
        NativeCall.check(result, "mount", argument.trim());
    }

    private static void unmountOne(String target) throws ErrnoException {
        long result = unmountResult(target, MountFlags.UMOUNT_NOFOLLOW);
        if (result == -Errno.EBUSY.number()) {
            result = unmountResult(target, MountFlags.MNT_DETACH | MountFlags.UMOUNT_NOFOLLOW);
        }
        // Gone with another one, by propagation.
        if (result != -Errno.EINVAL.number() && result != -Errno.ENOENT.number()) {
            NativeCall.check(result, "umount", target);
        }
    }

    private static long unmountResult(Path target, int flags) {
        try (Memory memory = new Memory()) {
            return NativeCall.once(Syscall.UMOUNT2, memory.path(target), flags, 0);
        }
    }

    /** The name as the mount table has it, in UTF-8. */
    private static long unmountResult(String target, int flags) {
        try (Memory memory = new Memory()) {
            return NativeCall.once(Syscall.UMOUNT2, memory.text(target), flags, 0);
        }
    }

    /** The path as the mount table has it; the last component is not touched, it may be a dead file system. */
    private static @Nullable Path canonical(Path path) throws IOException {
        Path absolute = path.toAbsolutePath().normalize();
        Path parent = absolute.getParent();
        if (parent == null) {
            return absolute;
        }
        try {
            return parent.toRealPath().resolve(absolute.getFileName());
        } catch (NoSuchFileException missing) {
            return null;
        }
    }
}
