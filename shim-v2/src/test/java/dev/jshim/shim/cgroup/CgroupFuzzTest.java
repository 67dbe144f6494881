package dev.jshim.shim.cgroup;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;

/** Cgroups and mounts have the names that somebody gave them. */
class CgroupFuzzTest {
    @FuzzTest
    void membership(byte[] input) {
        try {
            var membership = Membership.parse(new String(input, StandardCharsets.UTF_8));
            assertThat(membership.byController().values()).allMatch(path -> !path.contains("\n"));
        } catch (IOException refused) {
            assertThat(refused).hasMessageContaining("invalid cgroup entry");
        }
    }

    /** Where a cgroup is seen is always below a mount. */
    @FuzzTest
    void mounts(byte[] input) throws IOException {
        var text = new String(input, StandardCharsets.UTF_8);
        var table = MountTable.read(new BufferedReader(new StringReader(text)));
        for (var mount : table.mounts()) {
            for (var cgroup : new String[] {"/", "/a/b", "/../etc", "a", text}) {
                var place = mount.locate(cgroup);
                assertThat(place == null || place.startsWith(mount.point())).isTrue();
                assertThat(place == null
                                || !place.substring(mount.point().length()).contains("/../"))
                        .isTrue();
            }
        }
        var place = table.locate("memory", "/ns/id");
        assertThat(place == null || !place.isEmpty()).isTrue();
    }
}
