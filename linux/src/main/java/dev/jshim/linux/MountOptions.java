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
            Map.entry("bind", MountFlags.MS_BIND),
            Map.entry("dirsync", MountFlags.MS_DIRSYNC),
            Map.entry("mand", MountFlags.MS_MANDLOCK),
            Map.entry("noatime", MountFlags.MS_NOATIME),
            Map.entry("nodev", MountFlags.MS_NODEV),
            Map.entry("nodiratime", MountFlags.MS_NODIRATIME),
            Map.entry("noexec", MountFlags.MS_NOEXEC),
            Map.entry("nosuid", MountFlags.MS_NOSUID),
            Map.entry("rbind", MountFlags.MS_BIND | MountFlags.MS_REC),
            Map.entry("relatime", MountFlags.MS_RELATIME),
            Map.entry("remount", MountFlags.MS_REMOUNT),
            Map.entry("ro", MountFlags.MS_RDONLY),
            Map.entry("strictatime", MountFlags.MS_STRICTATIME),
            Map.entry("sync", MountFlags.MS_SYNCHRONOUS));

    private static final Map<String, Long> CLEAR = Map.ofEntries(
            Map.entry("async", MountFlags.MS_SYNCHRONOUS),
            Map.entry("atime", MountFlags.MS_NOATIME),
            Map.entry("dev", MountFlags.MS_NODEV),
            Map.entry("diratime", MountFlags.MS_NODIRATIME),
            Map.entry("exec", MountFlags.MS_NOEXEC),
            Map.entry("nomand", MountFlags.MS_MANDLOCK),
            Map.entry("norelatime", MountFlags.MS_RELATIME),
            Map.entry("nostrictatime", MountFlags.MS_STRICTATIME),
            Map.entry("rw", MountFlags.MS_RDONLY),
            Map.entry("suid", MountFlags.MS_NOSUID));

    private static final Map<String, Long> PROPAGATION = Map.of(
            "private",
            MountFlags.MS_PRIVATE,
            "rprivate",
            MountFlags.MS_PRIVATE | MountFlags.MS_REC,
            "shared",
            MountFlags.MS_SHARED,
            "rshared",
            MountFlags.MS_SHARED | MountFlags.MS_REC,
            "slave",
            MountFlags.MS_SLAVE,
            "rslave",
            MountFlags.MS_SLAVE | MountFlags.MS_REC,
            "unbindable",
            MountFlags.MS_UNBINDABLE,
            "runbindable",
            MountFlags.MS_UNBINDABLE | MountFlags.MS_REC);

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
