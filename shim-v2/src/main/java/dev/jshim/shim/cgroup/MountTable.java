package dev.jshim.shim.cgroup;

import dev.jshim.linux.MountPoint;
import java.io.BufferedReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The cgroup mounts of {@code /proc/self/mountinfo}, man proc_pid_mountinfo(5), in the order in which they were made.
 */
record MountTable(List<Mount> mounts) {

    /**
     * One mount.
     *
     * @param root the directory of the hierarchy that is seen at the mount point
     * @param point where it is mounted
     * @param type the file system, such as {@code cgroup2}
     * @param options the options of the file system, among them its v1 controllers
     */
    record Mount(String root, String point, String type, List<String> options) {

        Mount {
            options = List.copyOf(options);
        }

        /** Where a cgroup of this hierarchy is seen, or null when it lies outside of what is mounted. */
        @Nullable
        String locate(String cgroup) {
            if (!cgroup.startsWith("/") || Lines.fields(cgroup, "/").contains("..")) {
                return null;
            }
            if (root.equals("/")) {
                return cgroup.equals("/") ? point : point + cgroup;
            }
            if (cgroup.equals(root)) {
                return point;
            }
            return cgroup.startsWith(root + "/") ? point + cgroup.substring(root.length()) : null;
        }
    }

    MountTable {
        mounts = List.copyOf(mounts);
    }

    /** Takes what has to do with cgroups by its place or type; a line that is not understood is left out. */
    static MountTable read(BufferedReader reader) throws IOException {
        var mounts = new ArrayList<Mount>();
        for (var line = reader.readLine(); line != null; line = reader.readLine()) {
            if (!line.contains("cgroup")) {
                continue;
            }
            var fields = Lines.fields(line, " ");
            // The optional fields before it vary in number.
            var separator = fields.indexOf("-");
            if (separator < 6 || fields.size() < separator + 4) {
                continue;
            }
            var options = Lines.fields(fields.get(separator + 3), ",");
            mounts.add(new Mount(
                    MountPoint.unescape(fields.get(3)),
                    MountPoint.unescape(fields.get(4)),
                    fields.get(separator + 1),
                    options));
        }
        return new MountTable(mounts);
    }

    /** Whether this very place is the root of a cgroup2 mount; of several mounts there the last one is seen. */
    boolean isCgroup2(String point) {
        return unified(point) != null;
    }

    /** The cgroup2 mount that is seen at a place, or null. */
    @Nullable
    Mount unified(String point) {
        for (var mount : mounts.reversed()) {
            if (mount.point().equals(point)) {
                return mount.type().equals("cgroup2") ? mount : null;
            }
        }
        return null;
    }

    /** Where a v1 controller shows a cgroup, or null when no mount of the controller reaches it. */
    @Nullable
    String locate(String controller, String cgroup) {
        for (var mount : mounts) {
            if (mount.type().equals("cgroup") && mount.options().contains(controller)) {
                var place = mount.locate(cgroup);
                if (place != null) {
                    return place;
                }
            }
        }
        return null;
    }
}
