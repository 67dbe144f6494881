package dev.jshim.node.shim;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Timestamp;
import dev.jshim.proto.v1.types.ProcessInfo;
import dev.jshim.proto.v1.types.Status;
import dev.jshim.proto.v2.runc.ProcessDetails;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** From messages to our own types, for both APIs. */
final class Wire {
    /** Of a v1 and of a v2 shim; they have the same fields. */
    private static final Set<String> DETAILS =
            Set.of("containerd.linux.runc.ProcessDetails", "containerd.runc.v1.ProcessDetails");

    private Wire() {}

    static TaskStatus status(Status status) {
        return switch (status) {
            case CREATED -> TaskStatus.CREATED;
            case RUNNING -> TaskStatus.RUNNING;
            case STOPPED -> TaskStatus.STOPPED;
            case PAUSED -> TaskStatus.PAUSED;
            case PAUSING -> TaskStatus.PAUSING;
            case UNKNOWN, UNRECOGNIZED -> TaskStatus.UNKNOWN;
        };
    }

    /** A listed pid; what else its details say we do not know, and pass over. */
    static TaskPid pid(ProcessInfo process) {
        var info = process.getInfo();
        // Go's typeurl leaves out the host that protobuf-java's Any.is() looks for
        var url = info.getTypeUrl();
        if (!DETAILS.contains(url.substring(url.lastIndexOf('/') + 1))) {
            return new TaskPid(process.getPid(), "");
        }
        try {
            return new TaskPid(
                    process.getPid(), ProcessDetails.parseFrom(info.getValue()).getExecId());
        } catch (InvalidProtocolBufferException e) {
            return new TaskPid(process.getPid(), "");
        }
    }

    /** Null for Go's zero time (year 1), for no time at all and for nonsense. */
    static @Nullable Instant instant(Timestamp time) {
        if (time.getSeconds() <= 0) {
            return null;
        }
        try {
            return Instant.ofEpochSecond(time.getSeconds(), time.getNanos());
        } catch (DateTimeException e) {
            return null;
        }
    }
}
