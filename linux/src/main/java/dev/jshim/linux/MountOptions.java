package dev.jshim.linux;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Mount options in the style of fstab, sorted for mount(2), as containerd does it (core/mount/mount_linux.go, v2.1.0:
 * parseMountOptions). Two things differ: {@code defaults} is dropped, and propagation has names here.
 *
 * @param flags MS_* flags, without propagation
 * @param propagation MS_PRIVATE and the like, with MS_REC for the recursive ones; 0 for none
 * @param data what the file system itself is to read
 * @param loop whether the source is a file to be mounted through a loop device
 */
public record MountOptions(long flags, long propagation, List<String> data, boolean loop) {
    private static final Map<String, Long> SET = Map.ofEntries(
            Map.entry("bind", Mounts.MS_BIND),
            Map.entry("dirsync", Mounts.MS_DIRSYNC),
            Map.entry("mand", Mounts.MS_MANDLOCK),
            Map.entry("noatime", Mounts.MS_NOATIME),
            Map.entry("nodev", Mounts.MS_NODEV),
            Map.entry("nodiratime", Mounts.MS_NODIRATIME),
            Map.entry("noexec", Mounts.MS_NOEXEC),
            Map.entry("nosuid", Mounts.MS_NOSUID),
            Map.entry("rbind", Mounts.MS_BIND | Mounts.MS_REC),
            Map.entry("relatime", Mounts.MS_RELATIME),
            Map.entry("remount", Mounts.MS_REMOUNT),
            Map.entry("ro", Mounts.MS_RDONLY),
            Map.entry("strictatime", Mounts.MS_STRICTATIME),
            Map.entry("sync", Mounts.MS_SYNCHRONOUS));

    private static final Map<String, Long> CLEAR = Map.ofEntries(
            Map.entry("async", Mounts.MS_SYNCHRONOUS),
            Map.entry("atime", Mounts.MS_NOATIME),
            Map.entry("dev", Mounts.MS_NODEV),
            Map.entry("diratime", Mounts.MS_NODIRATIME),
            Map.entry("exec", Mounts.MS_NOEXEC),
            Map.entry("nomand", Mounts.MS_MANDLOCK),
            Map.entry("norelatime", Mounts.MS_RELATIME),
            Map.entry("nostrictatime", Mounts.MS_STRICTATIME),
            Map.entry("rw", Mounts.MS_RDONLY),
            Map.entry("suid", Mounts.MS_NOSUID));

    private static final Map<String, Long> PROPAGATION = Map.of(
            "private",
            Mounts.MS_PRIVATE,
            "rprivate",
            Mounts.MS_PRIVATE | Mounts.MS_REC,
            "shared",
            Mounts.MS_SHARED,
            "rshared",
            Mounts.MS_SHARED | Mounts.MS_REC,
            "slave",
            Mounts.MS_SLAVE,
            "rslave",
            Mounts.MS_SLAVE | Mounts.MS_REC,
            "unbindable",
            Mounts.MS_UNBINDABLE,
            "runbindable",
            Mounts.MS_UNBINDABLE | Mounts.MS_REC);

    public MountOptions {
        data = List.copyOf(data);
    }

    /** Sorts the options; of contradicting ones the later wins, an unknown one is the file system's. */
    public static MountOptions parse(List<String> options) {
        long flags = 0;
        long propagation = 0;
        boolean loop = false;
        List<String> data = new ArrayList<>();
        for (String option : options) {
            if (SET.containsKey(option)) {
                flags |= SET.getOrDefault(option, 0L);
            } else if (CLEAR.containsKey(option)) {
                flags &= ~CLEAR.getOrDefault(option, 0L);
            } else if (PROPAGATION.containsKey(option)) {
                propagation = PROPAGATION.getOrDefault(option, 0L);
            } else if (option.equals("loop")) {
                loop = true;
            } else if (!option.equals("defaults")) {
                data.add(option);
            }
        }
        return new MountOptions(flags, propagation, data, loop);
    }

    /** The data as mount(2) takes it; empty for none. */
    public String dataString() {
        return String.join(",", data);
    }
}
