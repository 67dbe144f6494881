package dev.jshim.shim.oci;

import com.google.protobuf.Any;
import dev.jshim.shim.config.Key;
import dev.jshim.shim.config.Options;
import dev.jshim.shim.config.Settings;
import dev.jshim.task.ShimException;
import java.nio.file.Path;
import java.time.Duration;

/**
 * How the OCI runtime is to be called, whatever type of message said so.
 *
 * @param binary the runtime's name or absolute path
 * @param root the runtime's root, without the namespace
 * @param shimCgroup a cgroup that the shim is to be moved to, empty for none
 * @param ioUid owner of the pipes of a process
 * @param criuWorkPath empty for the bundle's own
 * @param criuTimeout how long a checkpoint or a restore may take
 * @param neverCheckpointed whether a checkpoint is refused, so that output need not cross the shim
 */
public record RuntimeOptions(
        String binary,
        Path root,
        boolean systemdCgroup,
        boolean noPivotRoot,
        boolean noNewKeyring,
        String shimCgroup,
        int ioUid,
        int ioGid,
        String criuImagePath,
        String criuWorkPath,
        Duration criuTimeout,
        boolean neverCheckpointed) {
    /** A large container takes long to be written: 10 minutes for 30 GB at 50 MB a second. */
    private static final Duration DEFAULT_CRIU_TIMEOUT = Duration.ofMinutes(10);

    /** Where runc keeps state under containerd (pkg/process/init.go RuncRoot, v1.6.20). */
    private static final Path DEFAULT_ROOT = Path.of("/run/containerd/runc");

    private static final String DEFAULT_BINARY = "runc";

    public static final RuntimeOptions DEFAULT = new RuntimeOptions(
            DEFAULT_BINARY, DEFAULT_ROOT, false, false, false, "", 0, 0, "", "", DEFAULT_CRIU_TIMEOUT, false);

    /**
     * Reads options of any type that containerd sends, over the node's own configuration.
     *
     * @param options the default instance for none
     * @throws ShimException INVALID_ARGUMENT for what cannot be read, UNIMPLEMENTED for an unknown type
     */
    public static RuntimeOptions of(Any options) {
        return of(Options.read(options));
    }

    /** As {@link #of(Any)}, with options that hold if the container's own say nothing, before the node's. */
    public static RuntimeOptions of(Any options, Any lesser) {
        return of(Options.read(options, lesser));
    }

    /** The part of the settings that concerns the OCI runtime. */
    static RuntimeOptions of(Settings s) {
        var binary = s.text(Key.BINARY_NAME);
        var root = s.text(Key.ROOT);
        var criuTimeout = Integer.toUnsignedLong(s.number(Key.CRIU_TIMEOUT));
        return new RuntimeOptions(
                binary.isEmpty() ? DEFAULT_BINARY : binary,
                root.isEmpty() ? DEFAULT_ROOT : Path.of(root),
                s.on(Key.SYSTEMD_CGROUP),
                s.on(Key.NO_PIVOT_ROOT),
                s.on(Key.NO_NEW_KEYRING),
                s.text(Key.SHIM_CGROUP),
                s.number(Key.IO_UID),
                s.number(Key.IO_GID),
                s.text(Key.CRIU_IMAGE_PATH),
                s.text(Key.CRIU_WORK_PATH),
                criuTimeout == 0 ? DEFAULT_CRIU_TIMEOUT : Duration.ofSeconds(criuTimeout),
                s.on(Key.NEVER_CHECKPOINTED));
    }
}
