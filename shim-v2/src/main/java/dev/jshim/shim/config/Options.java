package dev.jshim.shim.config;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.jshim.proto.v1.runc.CreateOptions;
import dev.jshim.proto.v1.runc.RuncOptions;
import dev.jshim.task.ShimException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;

/**
 * The options that come with a container, whatever type of message they are in, over the node's own configuration.
 *
 * <p>proto3 has no "not set": an empty string, 0 and false leave a key to the node's configuration.
 */
public final class Options {
    private Options() {}

    /**
     * Reads options of any type that containerd sends: those of runc's v2 shim; the two of the v1 runtime, which old
     * records keep forever and which containerd 1.7's client sends to any runtime that is not named runc; and the text
     * or path that CRI sends to such a runtime.
     *
     * @param options the default instance for none
     * @throws ShimException INVALID_ARGUMENT for what cannot be read, UNIMPLEMENTED for an unknown type
     */
    public static Settings read(Any options) {
        return own(options).or(Defaults.read());
    }

    /**
     * As {@link #read(Any)}, with options that hold if the container's own say nothing, before the node's.
     *
     * @param lesser of the same types
     */
    public static Settings read(Any options, Any lesser) {
        return own(options).or(own(lesser)).or(Defaults.read());
    }

    /** Whether the type is one that {@link #read} knows. */
    public static boolean known(Any options) {
        return switch (type(options)) {
            case "containerd.runc.v1.Options",
                    "containerd.linux.runc.CreateOptions",
                    "containerd.linux.runc.RuncOptions",
                    "runtimeoptions.v1.Options" -> true;
            default -> false;
        };
    }

    private static String type(Any options) {
        var url = options.getTypeUrl();
        return url.substring(url.lastIndexOf('/') + 1);
    }

    private static Settings own(Any options) {
        var bytes = options.getValue();
        try {
            return switch (type(options)) {
                case "" -> Settings.NONE;
                case "containerd.runc.v1.Options" -> runc(bytes);
                case "containerd.linux.runc.CreateOptions" -> create(bytes);
                case "containerd.linux.runc.RuncOptions" -> legacy(bytes);
                case "runtimeoptions.v1.Options" -> text(bytes);
                default ->
                    throw ShimException.unimplemented("options of type " + options.getTypeUrl()
                            + " are not known: use containerd.runc.v1.Options or runtimeoptions.v1.Options");
            };
        } catch (InvalidProtocolBufferException e) {
            throw new ShimException(
                    ShimException.Kind.INVALID_ARGUMENT,
                    "options of type " + options.getTypeUrl() + " cannot be read: " + e.getMessage(),
                    e);
        }
    }

    private static Settings runc(ByteString bytes) throws InvalidProtocolBufferException {
        var o = dev.jshim.proto.v2.runc.Options.parseFrom(bytes);
        return new Builder()
                .text(Key.BINARY_NAME, o.getBinaryName())
                .text(Key.ROOT, o.getRoot())
                .on(Key.SYSTEMD_CGROUP, o.getSystemdCgroup())
                .on(Key.NO_PIVOT_ROOT, o.getNoPivotRoot())
                .on(Key.NO_NEW_KEYRING, o.getNoNewKeyring())
                .text(Key.SHIM_CGROUP, o.getShimCgroup())
                .number(Key.IO_UID, o.getIoUid())
                .number(Key.IO_GID, o.getIoGid())
                .text(Key.CRIU_IMAGE_PATH, o.getCriuImagePath())
                .text(Key.CRIU_WORK_PATH, o.getCriuWorkPath())
                .text(Key.TASK_API_ADDRESS, o.getTaskApiAddress())
                .number(Key.TASK_API_VERSION, o.getTaskApiVersion())
                .build();
    }

    private static Settings create(ByteString bytes) throws InvalidProtocolBufferException {
        var o = CreateOptions.parseFrom(bytes);
        return new Builder()
                .on(Key.NO_PIVOT_ROOT, o.getNoPivotRoot())
                .on(Key.NO_NEW_KEYRING, o.getNoNewKeyring())
                .text(Key.SHIM_CGROUP, o.getShimCgroup())
                .number(Key.IO_UID, o.getIoUid())
                .number(Key.IO_GID, o.getIoGid())
                .text(Key.CRIU_IMAGE_PATH, o.getCriuImagePath())
                .text(Key.CRIU_WORK_PATH, o.getCriuWorkPath())
                .build();
    }

    private static Settings legacy(ByteString bytes) throws InvalidProtocolBufferException {
        var o = RuncOptions.parseFrom(bytes);
        return new Builder()
                .text(Key.BINARY_NAME, o.getRuntime())
                .text(Key.ROOT, o.getRuntimeRoot())
                .on(Key.SYSTEMD_CGROUP, o.getSystemdCgroup())
                .build();
    }

    private static Settings text(ByteString bytes) throws InvalidProtocolBufferException {
        var o = dev.jshim.proto.v2.runtimeoptions.Options.parseFrom(bytes);
        if (!o.getConfigBody().isEmpty()) {
            return ConfigText.parse("ConfigBody", o.getConfigBody().toStringUtf8());
        }
        return o.getConfigPath().isEmpty() ? Settings.NONE : Defaults.readFile(path(o.getConfigPath()));
    }

    private static Path path(String text) {
        try {
            return Path.of(text);
        } catch (InvalidPathException e) {
            throw new ShimException(ShimException.Kind.INVALID_ARGUMENT, "ConfigPath is no path", e);
        }
    }

    private static final class Builder {
        private final Map<Key, Object> values = new EnumMap<>(Key.class);

        Builder text(Key key, String value) {
            return put(key, value, !value.isEmpty());
        }

        Builder on(Key key, boolean value) {
            return put(key, value, value);
        }

        Builder number(Key key, int value) {
            return put(key, Integer.toUnsignedLong(value), value != 0);
        }

        private Builder put(Key key, Object value, boolean set) {
            if (set) {
                values.put(key, value);
            }
            return this;
        }

        Settings build() {
            return values.isEmpty() ? Settings.NONE : new Settings(values);
        }
    }
}
