package dev.jshim.task;

import com.google.protobuf.Any;

/**
 * A process to be added to a container.
 *
 * @param execId unique among the container's execs, never the container's own id
 * @param spec JSON of the OCI runtime spec's Process
 */
public record ExecRequest(String execId, Stdio stdio, Any spec) {}
