package dev.jshim.shim.oci;

import dev.jshim.linux.ProcessId;
import dev.jshim.linux.ProcessStat;
import dev.jshim.linux.Processes;
import dev.jshim.task.ShimLog;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The calls of OCI runtimes that a process before this one has begun and that are still under way: what the keeper got
 * as children when that process died, and whose log is in a bundle as {@link Runc} lays it there.
 */
final class RuntimeCalls {
    private RuntimeCalls() {}

    /**
     * One of them.
     *
     * @param takesLong whether it writes or reads a checkpoint
     */
    record Call(ProcessId process, boolean takesLong) {}

    /** All of them by their bundles. */
    static Map<Path, List<Call>> find() {
        Map<Path, List<Call>> calls = new HashMap<>();
        var self = Processes.stat(Processes.getpid());
        if (self == null) {
            return calls;
        }
        try (var processes = Files.newDirectoryStream(Path.of("/proc"), "[1-9]*")) {
            for (var folder : processes) {
                var stat = ProcessStat.read(folder);
                // Our own parent is the keeper; a process that has no keeper looks at its own children.
                if (stat != null && (stat.parent() == self.parent() || stat.parent() == self.pid())) {
                    add(folder, stat, calls);
                }
            }
        } catch (IOException e) {
            ShimLog.error("cannot find the runtime's calls that are under way", "error", e);
        }
        return calls;
    }

    private static void add(Path folder, ProcessStat stat, Map<Path, List<Call>> calls) {
        var arguments = arguments(folder);
        var bundle = bundle(arguments);
        if (bundle != null) {
            var takesLong = arguments.contains("checkpoint") || arguments.contains("restore");
            calls.computeIfAbsent(bundle, _ -> new ArrayList<>())
                    .add(new Call(new ProcessId(stat.pid(), stat.startTime()), takesLong));
        }
    }

    /** None of one that has ended. */
    private static List<String> arguments(Path folder) {
        try {
            var line = new String(Files.readAllBytes(folder.resolve("cmdline")), StandardCharsets.UTF_8);
            return List.of(line.split("\0", -1));
        } catch (IOException e) {
            return List.of();
        }
    }

    private static @Nullable Path bundle(List<String> arguments) {
        var at = arguments.indexOf("--log") + 1;
        if (at == 0 || at >= arguments.size() || !arguments.get(at).startsWith("/")) {
            return null;
        }
        var log = Path.of(arguments.get(at));
        return RuncLog.isIn(log) ? log.getParent() : null;
    }
}
