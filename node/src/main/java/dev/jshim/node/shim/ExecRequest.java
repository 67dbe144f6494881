package dev.jshim.node.shim;

import com.google.protobuf.Any;

/**
 * A further process for a container.
 *
 * @param execId not empty, and not the container's id: a v1 shim would take that for init
 * @param process the OCI runtime spec's Process as JSON, in an Any of type {@code types.containerd.io/opencontainers/
 *     runtime-spec/1/Process}
 * @param stdin the path of a FIFO; empty where there is none, as stdout and stderr
 */
public record ExecRequest(String execId, Any process, boolean terminal, String stdin, String stdout, String stderr) {
    public ExecRequest {
        if (execId.isEmpty()) {
            throw new IllegalArgumentException("an exec without an id");
        }
    }
}
