package dev.jshim.node.process;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A process that has a FIFO open.
 *
 * @param reads whether it can read from it; a reader keeps writers from EPIPE, and takes what they write
 * @param writes whether it can write to it; the last one's end is the readers' end of file
 */
public record FifoEnd(int pid, String program, boolean reads, boolean writes) {
    private static final int ACCESS_MODE = 3;
    private static final int WRITE_ONLY = 1;
    private static final int READ_WRITE = 2;

    /** Looks through the descriptors of all processes; a FIFO that nobody has open has an empty list. */
    public static Map<Path, List<FifoEnd>> of(ProcFs proc, Set<Path> fifos) {
        var out = new HashMap<Path, List<FifoEnd>>();
        fifos.forEach(fifo -> out.put(fifo, new ArrayList<>()));
        for (var process : proc.all()) {
            for (var entry : proc.fds(process.pid()).entrySet()) {
                var ends = entry.getValue().startsWith("/") ? out.get(Path.of(entry.getValue())) : null;
                if (ends != null) {
                    var mode = proc.fdFlags(process.pid(), entry.getKey()) & ACCESS_MODE;
                    var reads = mode != WRITE_ONLY;
                    var end =
                            new FifoEnd(process.pid(), process.name(), reads, mode == WRITE_ONLY || mode == READ_WRITE);
                    if (!ends.contains(end)) {
                        ends.add(end);
                    }
                }
            }
        }
        return out;
    }
}
