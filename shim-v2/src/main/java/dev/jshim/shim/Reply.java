package dev.jshim.shim;

import dev.jshim.shim.config.Protocol;
import dev.jshim.shim.config.TaskApi;
import java.nio.file.Path;

/**
 * What {@code start} tells containerd about a shim.
 *
 * @param taskApi 2 or 3; what containerd makes of the number is more than the API: see docs/adr/0009
 */
record Reply(int taskApi, Protocol protocol, Path socket) {
    /**
     * The best that the caller is certain to understand.
     *
     * @throws IllegalArgumentException if there is nothing of the kind; the message says why
     */
    static Reply choose(TaskApi wanted, Protocol protocol, Path socket, Generation caller) {
        return switch (protocol) {
            case TTRPC -> new Reply(ttrpc(wanted, caller), protocol, socket);
            case GRPC -> new Reply(grpc(wanted, caller), protocol, socket);
        };
    }

    private static int ttrpc(TaskApi wanted, Generation caller) {
        return switch (wanted) {
            case V2 -> 2;
            case V3 -> 3;
            case AUTO -> caller == Generation.V2 ? 3 : 2;
        };
    }

    private static int grpc(TaskApi wanted, Generation caller) {
        // 1.7 refuses any version but 2 and 2.x any but 3, and both call containerd.task.v3.Task.
        if (caller == Generation.V1_6) {
            throw new IllegalArgumentException(
                    "Protocol = \"grpc\" needs containerd 1.7: this one is older and knows ttrpc only");
        }
        return switch (wanted) {
            case V2 -> 2;
            case V3 -> 3;
            case AUTO ->
                switch (caller) {
                    case V1_6, V1_7 -> 2;
                    // Its client is idle until the first call, and it takes that for a lost connection: it deletes the
                    // bundle that it has just made (core/runtime/v2/shim.go grpcDialContext, v2.0.0 to v2.4.0-beta.0).
                    case V2 ->
                        throw new IllegalArgumentException(
                                "Protocol = \"grpc\" does not work here:"
                                        + " containerd 2 considers a gRPC shim dead at once; use \"ttrpc\", or TaskApi = 3 to try");
                    case UNKNOWN ->
                        throw new IllegalArgumentException("Protocol = \"grpc\" needs to know what calls:"
                                + " set TaskApi = 2 for containerd 1.7 or TaskApi = 3 for a later one");
                };
        };
    }

    /** The same, but of a shim that serves no more than this version. */
    Reply atMost(int version) {
        return taskApi <= version ? this : new Reply(version, protocol, socket);
    }

    /** What containerd reads. */
    String text() {
        if (protocol == Protocol.TTRPC && taskApi == 2) {
            return uri();
        }
        // containerd dials the address of a gRPC shim as it is (core/runtime/v2/shim.go grpcDialContext, v2.1.4).
        var address = protocol == Protocol.GRPC ? socket.toString() : uri();
        return "{\"version\":" + taskApi + ",\"address\":\"" + address + "\",\"protocol\":\"" + protocol.text() + "\"}";
    }

    /**
     * What is left in the bundle's file {@code address}, by which 1.x finds a shim again and 2.x one that 1.x has left:
     * never version 3, which 1.7 refuses.
     */
    String addressFile() {
        return atMost(2).text();
    }

    private String uri() {
        return "unix://" + socket;
    }
}
