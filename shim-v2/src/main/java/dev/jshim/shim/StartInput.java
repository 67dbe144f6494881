package dev.jshim.shim;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.Fd;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.OpenFlags;
import dev.jshim.proto.v2.bootstrap.BootstrapParams;
import dev.jshim.shim.config.Options;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What containerd tells {@code start} on stdin, and in the environment.
 *
 * @param options the container's, the default instance for none
 * @param ttrpcAddress where events go to, null for nowhere
 * @param socketDir where the socket is to be, null for where we like
 * @param bootstrap whether it came as BootstrapParams, which 2.3 introduced
 */
record StartInput(
        Any options, @Nullable Path ttrpcAddress, @Nullable Path socketDir, boolean debug, boolean bootstrap) {
    private static final int MAX_BYTES = 4 << 20;
    private static final int DEBUG_LEVEL = -4;

    /**
     * Reads containerd's words to their end, but does not wait for a person to type: what the launcher has as its
     * stdin, for a keeper gives its JVM none, or descriptor 0.
     *
     * @param launcher the launcher's pid, 0 if this process has inherited its stdin
     */
    static byte[] stdin(int launcher) throws IOException {
        var stdin = Path.of("/proc", launcher == 0 ? "self" : Integer.toString(launcher), "fd/0");
        if (Files.isSymbolicLink(stdin)) {
            var target = Files.readSymbolicLink(stdin).toString();
            if (target.equals("/dev/null") || target.startsWith("/dev/pts/") || target.startsWith("/dev/tty")) {
                return new byte[0];
            }
        }
        if (launcher == 0) {
            return read(Fd.of(0)); // Not closed: the number must not be given to another file.
        }
        try (var opened = FileCalls.open(stdin, OpenFlags.O_RDONLY | OpenFlags.O_CLOEXEC, 0)) {
            return read(opened);
        }
    }

    private static byte[] read(Fd stdin) throws ErrnoException, IOException {
        var bytes = new ByteArrayOutputStream();
        var buffer = new byte[4096];
        for (var n = 0; n >= 0; n = stdin.read(buffer, 0, buffer.length)) {
            bytes.write(buffer, 0, n);
            if (bytes.size() > MAX_BYTES) {
                throw new IOException("more than " + MAX_BYTES + " bytes of options on stdin");
            }
        }
        return bytes.toByteArray();
    }

    /**
     * Understands either form.
     *
     * <p>An Any of options parses as BootstrapParams as well: both begin with a string. It is what it says it is only
     * where id and namespace are those of the flags, which containerd still gives.
     *
     * @throws IOException for something else
     */
    static StartInput of(byte[] stdin, Flags flags, @Nullable String ttrpcAddress) throws IOException {
        var environment = socket(ttrpcAddress == null ? "" : ttrpcAddress);
        if (stdin.length == 0) {
            return new StartInput(Any.getDefaultInstance(), environment, null, flags.debug(), false);
        }
        var params = bootstrap(stdin, flags);
        if (params == null) {
            return new StartInput(any(stdin), environment, null, flags.debug(), false);
        }
        var events = socket(params.getContainerdTtrpcAddress());
        return new StartInput(
                options(params),
                events == null ? environment : events,
                path(params.getSocketDir()),
                flags.debug() || params.getLogLevel() <= DEBUG_LEVEL,
                true);
    }

    private static @Nullable BootstrapParams bootstrap(byte[] stdin, Flags flags) {
        try {
            var params = BootstrapParams.parseFrom(stdin);
            var same = params.getInstanceId().equals(flags.id())
                    && params.getNamespace().equals(flags.namespace());
            return same ? params : null;
        } catch (InvalidProtocolBufferException e) {
            return null;
        }
    }

    private static Any any(byte[] stdin) throws IOException {
        try {
            return Any.parseFrom(stdin);
        } catch (InvalidProtocolBufferException e) {
            throw new IOException("stdin holds neither options nor bootstrap parameters: " + e.getMessage(), e);
        }
    }

    private static Any options(BootstrapParams params) {
        for (var extension : params.getExtensionsList()) {
            if (Options.known(extension.getValue())) {
                return extension.getValue();
            }
        }
        return Any.getDefaultInstance();
    }

    /** containerd writes a path, and says that it may become a URI. */
    private static @Nullable Path socket(String address) throws IOException {
        return path(address.startsWith("unix://") ? address.substring("unix://".length()) : address);
    }

    private static @Nullable Path path(String text) throws IOException {
        try {
            return text.isEmpty() ? null : Path.of(text);
        } catch (InvalidPathException e) {
            throw new IOException("containerd passed an invalid path: " + e.getReason(), e);
        }
    }
}
