package dev.jshim.linux;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Overlay options whose lower directories are written relative to a common one, since mount(2) takes no more than a
 * page of data. As containerd does it (core/mount/mount_linux.go, v2.1.0: compactLowerdirOption).
 *
 * @param directory where the mount call must run; null for anywhere, nothing was shortened
 */
record Overlay(@Nullable Path directory, List<String> data) {
    private static final String LOWER = "lowerdir=";

    static Overlay compact(List<String> data) {
        int at = indexOfLower(data);
        if (at < 0) {
            return new Overlay(null, data);
        }
        String[] lower = data.get(at).substring(LOWER.length()).split(":", -1);
        Path common = lower.length == 1 ? null : commonParent(lower);
        if (common == null) {
            return new Overlay(null, data);
        }
        List<String> names = new ArrayList<>();
        for (String directory : lower) {
            names.add(directory.substring(common.toString().length() + 1));
        }
        List<String> shorter = new ArrayList<>(data);
        shorter.set(at, LOWER + String.join(":", names));
        return new Overlay(common, shorter);
    }

    private static int indexOfLower(List<String> data) {
        for (int i = 0; i < data.size(); i++) {
            if (data.get(i).startsWith(LOWER)) {
                return i;
            }
        }
        return -1;
    }

    /** The deepest directory above all of them; null if that is / or there is none, or a name is written oddly. */
    private static @Nullable Path commonParent(String[] directories) {
        Path common = null;
        for (String directory : directories) {
            Path path = Path.of(directory);
            if (!path.isAbsolute() || !path.normalize().toString().equals(directory) || directory.indexOf('\\') >= 0) {
                return null;
            }
            Path parent = path.getParent();
            common = common == null ? parent : above(common, path);
            if (common == null || common.getNameCount() == 0) {
                return null;
            }
        }
        return common;
    }

    private static @Nullable Path above(Path common, Path path) {
        Path candidate = common;
        while (candidate != null && (!path.startsWith(candidate) || path.equals(candidate))) {
            candidate = candidate.getParent();
        }
        return candidate;
    }
}
