package dev.jshim.linux;

import java.util.List;

/**
 * A mount as containerd describes it.
 *
 * @param source a path, a device, or a name that only shows in the mount table
 * @param target a path below the root file system, mostly empty, which is the root itself
 * @param options as in fstab, see {@link MountOptions}
 */
public record MountSpec(String type, String source, String target, List<String> options) {
    public MountSpec {
        options = List.copyOf(options);
    }
}
