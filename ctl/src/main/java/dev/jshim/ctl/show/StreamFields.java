package dev.jshim.ctl.show;

import dev.jshim.ctl.output.Fields;
import dev.jshim.node.process.FifoEnd;
import dev.jshim.node.process.ProcFs;
import dev.jshim.task.ProcessState;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A task's streams and who has them open, as {@link Fields}. */
final class StreamFields {
    private StreamFields() {}

    /** Null if the shim does not say. */
    static @Nullable Fields of(@Nullable ProcessState state, ProcFs proc) {
        if (state == null) {
            return null;
        }
        var stdio = state.stdio();
        var paths = new HashSet<Path>();
        for (var text : List.of(stdio.stdin(), stdio.stdout(), stdio.stderr())) {
            var path = path(text);
            if (path != null) {
                paths.add(path);
            }
        }
        var ends = paths.isEmpty() ? Map.<Path, List<FifoEnd>>of() : FifoEnd.of(proc, paths);
        return new Fields()
                .with("stdin", stream(stdio.stdin(), ends))
                .with("stdout", stream(stdio.stdout(), ends))
                .with("stderr", stream(stdio.stderr(), ends));
    }

    private static @Nullable Fields stream(String text, Map<Path, List<FifoEnd>> ends) {
        if (text.isEmpty()) {
            return null;
        }
        var path = path(text);
        var open = path == null ? List.<FifoEnd>of() : ends.getOrDefault(path, List.of());
        return new Fields()
                .with("path", text)
                .with("exists", path == null ? null : Files.exists(path))
                .with("readers", names(open.stream().filter(FifoEnd::reads).toList()))
                .with("writers", names(open.stream().filter(FifoEnd::writes).toList()));
    }

    private static List<String> names(List<FifoEnd> ends) {
        return ends.stream().map(end -> end.pid() + " " + end.program()).toList();
    }

    /** Null for what is no path, such as {@code binary://}. */
    private static @Nullable Path path(String text) {
        try {
            return text.startsWith("/") ? Path.of(text) : null;
        } catch (InvalidPathException e) {
            return null;
        }
    }
}
