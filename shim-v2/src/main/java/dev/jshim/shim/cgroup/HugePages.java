package dev.jshim.shim.cgroup;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** The sizes of huge pages that the host has, as the files of the hugetlb controller spell them: {@code 2MB}. */
final class HugePages {
    private static final String PREFIX = "hugepages-";
    private static final String SUFFIX = "kB";

    private HugePages() {}

    /** In the order of the directories' names, which is that of the metrics on v1; empty without huge pages. */
    static List<String> sorted(Host host) throws IOException {
        var names = names(host);
        Collections.sort(names);
        return sizes(names);
    }

    /** In the order in which the kernel lists them, which is that of the metrics on v2; empty without huge pages. */
    static List<String> listed(Host host) throws IOException {
        return sizes(names(host));
    }

    private static List<String> names(Host host) throws IOException {
        var names = new ArrayList<String>();
        try (var entries = Files.newDirectoryStream(host.at("/sys/kernel/mm/hugepages"))) {
            for (var entry : entries) {
                var name = entry.getFileName().toString();
                if (name.startsWith(PREFIX) && name.endsWith(SUFFIX)) {
                    names.add(name);
                }
            }
        } catch (NoSuchFileException | NotDirectoryException e) {
            return names;
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
        return names;
    }

    private static List<String> sizes(List<String> names) {
        var sizes = new ArrayList<String>(names.size());
        for (var name : names) {
            try {
                sizes.add(size(Long.parseLong(name, PREFIX.length(), name.length() - SUFFIX.length(), 10)));
            } catch (NumberFormatException ignored) {
                // No kernel names a directory so; containerd leaves it out, too.
            }
        }
        return sizes;
    }

    private static String size(long kib) {
        if (kib >= 1 << 20) {
            return (kib >> 20) + "GB";
        }
        return kib >= 1 << 10 ? (kib >> 10) + "MB" : kib + "KB";
    }
}
