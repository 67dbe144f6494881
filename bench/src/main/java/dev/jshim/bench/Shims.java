package dev.jshim.bench;

import dev.jshim.it.PrivateContainerd;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** The processes that serve containers, and what they cost; all from /proc. */
final class Shims {
    private static final Pattern MAPPING = Pattern.compile("[0-9a-f]+-[0-9a-f]+ \\S+ \\S+ \\S+ \\d+\\s*(.*)");
    private static final Pattern PSS = Pattern.compile("Pss:\\s+(\\d+) kB");
    private static final long TICKS_PER_SECOND = 100;

    private Shims() {}

    /** The parents of the containers' init processes, and the JVMs of those that are keepers of ours. */
    static Set<Long> of(PrivateContainerd node, Collection<String> ids) {
        var pids = new TreeSet<Long>();
        ids.forEach(id -> pids.add(node.init(id).parent()));
        for (var parent : Set.copyOf(pids)) {
            ProcessHandle.of(parent).stream()
                    .flatMap(ProcessHandle::children)
                    .map(ProcessHandle::pid)
                    .filter(Shims::isJvm)
                    .forEach(pids::add);
        }
        return pids;
    }

    private static boolean isJvm(long pid) {
        return read(pid, "cmdline").contains("/lib/jvm/bin/java\0");
    }

    /** The same of several. */
    static double cpuSeconds(Collection<Long> pids) {
        return pids.stream().mapToDouble(pid -> cpuSeconds(pid.longValue())).sum();
    }

    /** User and system time that a process has taken so far, in seconds (proc(5), stat fields 14 and 15). */
    private static double cpuSeconds(long pid) {
        var stat = read(pid, "stat");
        var fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
        return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / (double) TICKS_PER_SECOND;
    }

    /** The proportional set size of a process, in MiB. */
    static double pss(long pid) {
        var matcher = PSS.matcher(read(pid, "smaps_rollup"));
        if (!matcher.find()) {
            throw new IllegalStateException("no Pss of process " + pid);
        }
        return Long.parseLong(matcher.group(1)) / 1024.0;
    }

    /** The same by what is mapped: a file's name, or {@code anonymous}. */
    static Map<String, Double> pssByMapping(long pid) {
        var sizes = new TreeMap<String, Double>();
        var name = "";
        for (var line : read(pid, "smaps").lines().toList()) {
            var mapping = MAPPING.matcher(line);
            var pss = PSS.matcher(line);
            if (mapping.matches()) {
                var path = mapping.group(1);
                name = path.startsWith("/") ? path.substring(path.lastIndexOf('/') + 1) : "anonymous";
            } else if (pss.matches()) {
                sizes.merge(name, Long.parseLong(pss.group(1)) / 1024.0, Double::sum);
            }
        }
        return sizes;
    }

    private static String read(long pid, String file) {
        try {
            return Files.readString(Path.of("/proc/" + pid, file), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
