package dev.jshim.shim.cgroup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MembershipTest {

    @Test
    void readsBothKindsOfHierarchies() throws IOException {
        var membership = Membership.parse("3:cpu,cpuacct:/web\n2:name=systemd:/\n0::/system.slice:cri:web\n");

        assertThat(membership.byController())
                .containsOnly(entry("cpu", "/web"), entry("cpuacct", "/web"), entry("name=systemd", "/"));
        assertThat(membership.unified()).isEqualTo("/system.slice:cri:web");
        assertThat(Membership.parse("").unified()).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "3:cpu", "0::/\n\n"})
    void refusesOtherLines(String text) {
        assertThatThrownBy(() -> Membership.parse(text))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("invalid cgroup entry");
    }
}
