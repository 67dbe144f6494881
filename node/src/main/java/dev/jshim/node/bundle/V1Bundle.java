package dev.jshim.node.bundle;

import dev.jshim.node.NodePaths;
import dev.jshim.task.ShimSocket;
import dev.jshim.task.TaskId;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A bundle of the v1 runtime (1.6.20, runtime/v1/linux/bundle.go). */
public record V1Bundle(
        TaskId task,
        Path path,
        Path work,
        int initPid,
        int recordedShimPid,
        OciConfig config,
        @Nullable ShimSocket socket,
        List<String> problems)
        implements Bundle {
    public V1Bundle {
        problems = List.copyOf(problems);
    }

    @Override
    public String api() {
        return "v1";
    }

    @Override
    public String runtime() {
        return NodePaths.V1_RUNTIME;
    }
}
