package dev.jshim.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IdsTest {
    @ParameterizedTest
    @ValueSource(strings = {"a", "0", "A9", "a-b", "a.b", "a_b", "k8s.io", "3f2c-77_x.1"})
    void takesWhatContainerdTakes(String id) {
        assertThatCode(() -> Ids.requireSafe("container id", id)).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "", ".", "..", "../a", "a/b", "/a", "a/", "a..b", "a--b", "-a", "a-", ".a", "a b", "a\n", "a\0", "ü",
                "a%2fb"
            })
    void refusesWhatCouldLeaveTheBundle(String id) {
        assertThatThrownBy(() -> Ids.requireSafe("container id", id))
                .isInstanceOfSatisfying(
                        ShimException.class, e -> assertThat(e.kind()).isEqualTo(ShimException.Kind.INVALID_ARGUMENT))
                .hasMessageContaining("container id \"" + id + "\" is not valid");
    }

    @Test
    void limitsTheLength() {
        assertThat(Ids.isSafe("a".repeat(76))).isTrue();
        assertThat(Ids.isSafe("a".repeat(77))).isFalse();
    }
}
