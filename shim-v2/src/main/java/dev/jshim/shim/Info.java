package dev.jshim.shim;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import dev.jshim.linux.ErrnoException;
import dev.jshim.linux.FileCalls;
import dev.jshim.linux.Spawn;
import dev.jshim.linux.Wait;
import dev.jshim.proto.v2.types.RuntimeInfo;
import dev.jshim.proto.v2.types.RuntimeVersion;
import dev.jshim.shim.oci.RuntimeOptions;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;

/** {@code -info}: what this shim is, and the features of the OCI runtime that it would use, as JSON. */
final class Info {
    private static final String FEATURES = "types.containerd.io/opencontainers/runtime-spec/1/features/Features";

    private Info() {}

    /**
     * Reads options off the input, as an Any or nothing, and prints a RuntimeInfo, raw.
     *
     * @return the exit code
     */
    static int print(InputStream in, OutputStream out) throws IOException {
        var options = Any.parseFrom(in);
        var info = RuntimeInfo.newBuilder()
                .setName(BinaryName.runtime())
                .setVersion(RuntimeVersion.newBuilder().setVersion(Version.NUMBER));
        if (!options.getTypeUrl().isEmpty()) {
            info.setOptions(options);
        }
        var features = features(RuntimeOptions.of(options).binary());
        if (!features.isEmpty()) {
            info.setFeatures(Any.newBuilder().setTypeUrl(FEATURES).setValue(features));
        }
        info.build().writeTo(out);
        out.flush();
        return 0;
    }

    /** Empty if the runtime is not there or too old to tell: what it can do is then unknown, which is no error. */
    private static ByteString features(String runtime) {
        try (var pipe = FileCalls.pipe()) {
            var pid = Spawn.command(runtime, List.of("features"))
                    .stdout(pipe.writeEnd())
                    .start();
            pipe.writeEnd().close();
            var text = new ByteArrayOutputStream();
            var buffer = new byte[8192];
            for (var n = 0; n >= 0; n = pipe.readEnd().read(buffer, 0, buffer.length)) {
                text.write(buffer, 0, n);
            }
            return Wait.pid(pid, true).exitStatus() == 0 ? ByteString.copyFrom(text.toByteArray()) : ByteString.EMPTY;
        } catch (ErrnoException e) {
            return ByteString.EMPTY;
        }
    }
}
