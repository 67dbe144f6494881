package dev.jshim.task.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.jshim.proto.v1.runc.CheckpointOptions;
import dev.jshim.task.ShimException;

/**
 * Options of a checkpoint for a v1 shim. It asserts their type without looking, so that any other type makes it panic
 * and its container is lost (containerd v1.6.20, runtime/v1/shim/service.go, Checkpoint): nothing is ever passed on
 * that was not built here.
 */
final class V1Checkpoint {
    private static final String V1 = "containerd.linux.runc.CheckpointOptions";
    private static final String V2 = "containerd.runc.v1.CheckpointOptions";

    private V1Checkpoint() {}

    /**
     * Converts options as a client sent them. If it sent none these are empty ones: without any a v1 shim of 1.7
     * panics, and its container is lost (v1.7.24, runtime/v1/shim/service.go, Checkpoint).
     *
     * @throws ShimException INVALID_ARGUMENT for a type that is not known, or for what a v1 shim cannot do
     */
    static Any options(Any options) {
        var type = options.getTypeUrl();
        if (type.isEmpty()) {
            return any(CheckpointOptions.getDefaultInstance());
        }
        try {
            return switch (type.substring(type.lastIndexOf('/') + 1)) {
                case V1 -> any(CheckpointOptions.parseFrom(options.getValue()));
                case V2 -> any(converted(dev.jshim.proto.v2.runc.CheckpointOptions.parseFrom(options.getValue())));
                default -> throw ShimException.invalidArgument("a v1 shim takes no checkpoint options of type " + type);
            };
        } catch (InvalidProtocolBufferException e) {
            throw ShimException.invalidArgument("checkpoint options cannot be read: " + e.getMessage());
        }
    }

    private static CheckpointOptions converted(dev.jshim.proto.v2.runc.CheckpointOptions o) {
        if (!o.getParentPath().isEmpty()) {
            throw ShimException.invalidArgument("a v1 shim cannot take a checkpoint with a parent image: leave it out");
        }
        return CheckpointOptions.newBuilder()
                .setExit(o.getExit())
                .setOpenTcp(o.getOpenTcp())
                .setExternalUnixSockets(o.getExternalUnixSockets())
                .setTerminal(o.getTerminal())
                .setFileLocks(o.getFileLocks())
                .addAllEmptyNamespaces(o.getEmptyNamespacesList())
                .setCgroupsMode(o.getCgroupsMode())
                .setWorkPath(o.getWorkPath())
                .setImagePath(o.getImagePath())
                .build();
    }

    private static Any any(CheckpointOptions options) {
        return Any.newBuilder().setTypeUrl(V1).setValue(options.toByteString()).build();
    }
}
