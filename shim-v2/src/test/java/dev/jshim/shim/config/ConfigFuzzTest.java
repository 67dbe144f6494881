package dev.jshim.shim.config;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import dev.jshim.task.ShimException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Options of whatever kind are read, or refused with one line that says where they are from. */
class ConfigFuzzTest {
    private static final List<String> TYPES = List.of(
            "containerd.runc.v1.Options",
            "containerd.linux.runc.CreateOptions",
            "containerd.linux.runc.RuncOptions",
            "x.y/runtimeoptions.v1.Options",
            "something.else");

    @FuzzTest
    void text(byte[] input) {
        try {
            assertThat(ConfigText.parse("config.toml", new String(input, StandardCharsets.UTF_8)))
                    .isNotNull();
        } catch (ShimException refused) {
            assertThat(refused.kind()).isEqualTo(ShimException.Kind.INVALID_ARGUMENT);
            assertThat(refused.getMessage()).startsWith("config.toml").doesNotContain("\n");
        }
    }

    @FuzzTest
    void message(byte[] input) {
        for (var type : TYPES) {
            try {
                var options = Any.newBuilder().setTypeUrl(type).setValue(ByteString.copyFrom(input));
                assertThat(Options.read(options.build())).isNotNull();
            } catch (ShimException refused) {
                assertThat(refused.kind()).isIn(ShimException.Kind.INVALID_ARGUMENT, ShimException.Kind.UNIMPLEMENTED);
            }
        }
    }
}
