package dev.jshim.it;

import dev.jshim.proto.cri.PodSandboxConfig;
import java.nio.file.Path;

/**
 * A pod as the kubelet knows it.
 *
 * @param id of its sandbox
 * @param config what it was made with, which each of its containers is made with again
 */
record Pod(String id, PodSandboxConfig config) {

    String name() {
        return config.getMetadata().getName();
    }

    /** The log of one of its containers. */
    CriLog log(String container, int attempt) {
        return new CriLog(Path.of(config.getLogDirectory(), logPath(container, attempt)));
    }

    static String logPath(String container, int attempt) {
        return container + "-" + attempt + ".log";
    }
}
