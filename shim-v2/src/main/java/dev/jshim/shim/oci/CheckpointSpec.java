package dev.jshim.shim.oci;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.jshim.proto.v2.runc.CheckpointOptions;
import dev.jshim.task.ShimException;
import java.util.ArrayList;
import java.util.List;

/**
 * How a checkpoint is to be taken, whatever type of message said so.
 *
 * @param exit whether the container ends with it
 * @param workPath where CRIU leaves its logs, empty for a folder that goes afterwards
 * @param flags what the runtime's command line says of all else
 */
record CheckpointSpec(boolean exit, String workPath, List<String> flags) {
    CheckpointSpec {
        flags = List.copyOf(flags);
    }

    /**
     * Reads the options of runc's v2 shim, or those of the v1 runtime, which differ in two field numbers.
     *
     * @param options the default instance for none
     * @throws ShimException INVALID_ARGUMENT for a broken message or an unknown type
     */
    static CheckpointSpec of(Any options) {
        var type = options.getTypeUrl();
        try {
            return switch (type.substring(type.lastIndexOf('/') + 1)) {
                case "" -> of(CheckpointOptions.getDefaultInstance());
                case "containerd.runc.v1.CheckpointOptions" -> of(CheckpointOptions.parseFrom(options.getValue()));
                case "containerd.linux.runc.CheckpointOptions" ->
                    of(converted(dev.jshim.proto.v1.runc.CheckpointOptions.parseFrom(options.getValue())));
                default ->
                    throw ShimException.invalidArgument("checkpoint options of type " + type
                            + " are not known: use containerd.runc.v1.CheckpointOptions");
            };
        } catch (InvalidProtocolBufferException e) {
            throw new ShimException(
                    ShimException.Kind.INVALID_ARGUMENT,
                    "checkpoint options of type " + type + " cannot be read: " + e.getMessage(),
                    e);
        }
    }

    private static CheckpointOptions converted(dev.jshim.proto.v1.runc.CheckpointOptions o) {
        return CheckpointOptions.newBuilder()
                .setExit(o.getExit())
                .setOpenTcp(o.getOpenTcp())
                .setExternalUnixSockets(o.getExternalUnixSockets())
                .setTerminal(o.getTerminal())
                .setFileLocks(o.getFileLocks())
                .addAllEmptyNamespaces(o.getEmptyNamespacesList())
                .setCgroupsMode(o.getCgroupsMode())
                .setWorkPath(o.getWorkPath())
                .build();
    }

    private static CheckpointSpec of(CheckpointOptions o) {
        List<String> flags = new ArrayList<>();
        add(flags, o.getOpenTcp(), "--tcp-established");
        add(flags, o.getExternalUnixSockets(), "--ext-unix-sk");
        add(flags, o.getTerminal(), "--shell-job");
        add(flags, o.getFileLocks(), "--file-locks");
        add(flags, !o.getCgroupsMode().isEmpty(), "--manage-cgroups-mode", o.getCgroupsMode());
        o.getEmptyNamespacesList().forEach(namespace -> add(flags, true, "--empty-ns", namespace));
        add(flags, !o.getParentPath().isEmpty(), "--parent-path", o.getParentPath());
        add(flags, !o.getExit(), "--leave-running");
        return new CheckpointSpec(o.getExit(), o.getWorkPath(), flags);
    }

    private static void add(List<String> flags, boolean wanted, String... flag) {
        if (wanted) {
            flags.addAll(List.of(flag));
        }
    }
}
