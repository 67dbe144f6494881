package dev.jshim.node.bundle;

import dev.jshim.node.NodePaths;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Makes bundle trees below a directory, as containerd leaves them. */
public final class Bundles {
    static final String CONFIG = """
            {"ociVersion":"1.0.2","process":{"terminal":true,"cwd":"/","args":["sleep","100"]},"hostname":"h",
             "linux":{"cgroupsPath":"/ns/id","namespaces":[{"type":"pid"},{"type":"network","path":"/run/netns/x"}]}}
            """;

    public final NodePaths paths;

    public Bundles(Path directory) {
        this.paths = new NodePaths(directory.resolve("root"), directory.resolve("state"));
    }

    public Path v1(String namespace, String id) throws IOException {
        return made(paths.v1Bundle(new TaskId(namespace, id)));
    }

    public Path v2(String namespace, String id) throws IOException {
        return made(paths.v2Bundle(new TaskId(namespace, id)));
    }

    public static Path with(Path bundle, String file, String text) throws IOException {
        Files.writeString(bundle.resolve(file), text);
        return bundle;
    }

    private static Path made(Path bundle) throws IOException {
        Files.createDirectories(bundle);
        return with(bundle, "config.json", CONFIG);
    }
}
