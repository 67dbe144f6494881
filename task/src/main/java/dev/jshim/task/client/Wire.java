package dev.jshim.task.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.jshim.proto.v1.types.Status;
import dev.jshim.proto.v2.runc.ProcessDetails;
import dev.jshim.task.ProcessStatus;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/** What the messages of both APIs have in common. */
final class Wire {
    private Wire() {}

    static ProcessStatus status(Status status) {
        return switch (status) {
            case CREATED -> ProcessStatus.CREATED;
            case RUNNING -> ProcessStatus.RUNNING;
            case STOPPED -> ProcessStatus.STOPPED;
            case PAUSED -> ProcessStatus.PAUSED;
            case PAUSING -> ProcessStatus.PAUSING;
            case UNKNOWN, UNRECOGNIZED -> ProcessStatus.UNKNOWN;
        };
    }

    /** What a shim says of a file; empty if that can be none. */
    static Path path(String name) {
        try {
            return Path.of(name);
        } catch (InvalidPathException e) {
            return Path.of("");
        }
    }

    /** Of the ProcessDetails of either API, which have the same field; empty for what is none. */
    static String execId(Any details) {
        try {
            return ProcessDetails.parseFrom(details.getValue()).getExecId();
        } catch (InvalidProtocolBufferException e) {
            return "";
        }
    }
}
