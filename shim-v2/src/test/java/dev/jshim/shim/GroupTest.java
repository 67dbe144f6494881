package dev.jshim.shim;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.shim.config.Grouping;
import dev.jshim.shim.oci.Spec;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GroupTest {
    @TempDir
    Path bundle;

    @ParameterizedTest
    @CsvSource(quoteCharacter = '\'', delimiter = '|', textBlock = """
            POD       | {}                                                                                  | one
            POD       | {"io.kubernetes.cri.sandbox-id":"pod"}                                              | pod
            POD       | {"io.containerd.runc.v2.group":"group","io.kubernetes.cri.sandbox-id":"pod"}        | group
            POD       | {"io.containerd.runc.v2.group":"","io.kubernetes.cri.sandbox-id":"pod"}             | pod
            CONTAINER | {"io.kubernetes.cri.sandbox-id":"pod"}                                              | one
            NODE      | {"io.kubernetes.cri.sandbox-id":"pod"}                                              | /node
            """)
    void name(Grouping grouping, String annotations, String group) throws Exception {
        Files.writeString(bundle.resolve("config.json"), "{\"annotations\":" + annotations + "}");

        assertThat(Group.of(grouping, Spec.read(bundle), "one")).isEqualTo(group);
    }
}
