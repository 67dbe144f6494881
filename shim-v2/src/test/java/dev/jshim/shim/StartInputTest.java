package dev.jshim.shim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Any;
import dev.jshim.proto.v2.bootstrap.BootstrapParams;
import dev.jshim.proto.v2.bootstrap.Extension;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class StartInputTest {
    private static final Any OPTIONS = Any.newBuilder()
            .setTypeUrl("containerd.runc.v1.Options")
            .setValue(dev.jshim.proto.v2.runc.Options.newBuilder()
                    .setBinaryName("crun")
                    .build()
                    .toByteString())
            .build();

    private static final BootstrapParams PARAMS = BootstrapParams.newBuilder()
            .setInstanceId("one")
            .setNamespace("ns")
            .setContainerdTtrpcAddress("/run/c.sock.ttrpc")
            .addExtensions(Extension.newBuilder().setValue(Any.newBuilder().setTypeUrl("something.else.Config")))
            .addExtensions(Extension.newBuilder().setValue(OPTIONS))
            .build();

    private static Flags flags(String... more) throws Flags.UsageException {
        var args = new java.util.ArrayList<>(java.util.List.of("-namespace", "ns", "-id", "one"));
        args.addAll(java.util.List.of(more));
        return Flags.parse(args.toArray(String[]::new));
    }

    @Test
    void nothing() throws Exception {
        var input = StartInput.of(new byte[0], flags("-debug"), null);

        assertThat(input.options()).isEqualTo(Any.getDefaultInstance());
        assertThat(input.ttrpcAddress()).isNull();
        assertThat(input.debug()).isTrue();
        assertThat(input.bootstrap()).isFalse();
    }

    @Test
    void optionsAlone() throws Exception {
        var input = StartInput.of(OPTIONS.toByteArray(), flags(), "/run/t.sock");

        assertThat(input.options()).isEqualTo(OPTIONS);
        assertThat(input.ttrpcAddress()).isEqualTo(Path.of("/run/t.sock"));
        assertThat(input.bootstrap()).isFalse();
    }

    @Test
    void bootstrapParameters() throws Exception {
        var input = StartInput.of(PARAMS.toByteArray(), flags(), null);

        assertThat(input.bootstrap()).isTrue();
        assertThat(input.options()).isEqualTo(OPTIONS);
        assertThat(input.ttrpcAddress()).isEqualTo(Path.of("/run/c.sock.ttrpc"));
        assertThat(input.socketDir()).isNull();
        assertThat(input.debug()).isFalse();
    }

    @Test
    void bootstrapParametersWithAll() throws Exception {
        var params = PARAMS.toBuilder()
                .setLogLevel(-8)
                .setSocketDir("/run/sockets")
                .setContainerdTtrpcAddress("unix:///run/u.sock")
                .build();
        var input = StartInput.of(params.toByteArray(), flags(), "/run/t.sock");

        assertThat(input.debug()).isTrue();
        assertThat(input.socketDir()).isEqualTo(Path.of("/run/sockets"));
        assertThat(input.ttrpcAddress()).isEqualTo(Path.of("/run/u.sock"));
    }

    /** The bytes of an Any are those of BootstrapParams too: id and namespace of somebody else. */
    @Test
    void optionsThatLookLikeParameters() throws Exception {
        var any = Any.newBuilder()
                .setTypeUrl("containerd.linux.runc.CreateOptions")
                .setValue(com.google.protobuf.ByteString.copyFromUtf8("ns"))
                .build();

        assertThat(StartInput.of(any.toByteArray(), flags(), null).options()).isEqualTo(any);
    }

    @Test
    void somethingElse() {
        assertThatThrownBy(() -> StartInput.of(new byte[] {1, 2, 3}, flags(), null))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith("stdin holds neither options nor bootstrap parameters");
    }
}
