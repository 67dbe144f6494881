package dev.jshim.node.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PodHandlerTest {
    @Test
    void asOldAndNewDaemonsHaveIt() {
        assertThat(of("""
                {"Version":"v1","Metadata":{"ID":"abc","Name":"web_default_u_0","Config":{"metadata":{"name":"web",
                 "uid":"u","namespace":"default"}},"NetNSPath":"/run/netns/x","RuntimeHandler":"gvisor"}}
                """)).isEqualTo(new PodHandler("default/web", "gvisor"));
        assertThat(of("{\"Version\":\"v1\",\"Metadata\":{\"RuntimeHandler\":\"\"}}"))
                .isEqualTo(new PodHandler("abc", ""));
    }

    @ParameterizedTest(name = "{index}: {0}")
    @ValueSource(strings = {"", "{", "[]", "{\"Metadata\":3}", "{\"Metadata\":{\"RuntimeHandler\":{}}}"})
    void whatCannotBeReadSaysNothing(String metadata) {
        assertThat(of(metadata)).isNull();
    }

    @Test
    void aContainerIsNoPod() {
        assertThat(PodHandler.of(new ContainerRecord("abc", "", null, "", Map.of(), Map.of())))
                .isNull();
    }

    private static @Nullable PodHandler of(String metadata) {
        var any = Any.newBuilder()
                .setTypeUrl("github.com/containerd/cri/pkg/store/sandbox/Metadata")
                .setValue(ByteString.copyFromUtf8(metadata))
                .build();
        return PodHandler.of(
                new ContainerRecord("abc", "", null, "", Map.of(), Map.of("io.cri-containerd.sandbox.metadata", any)));
    }
}
