package dev.jshim.ctl;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ManualTest {
    /** If this fails, write it again: ctl/README.md says how. */
    @Test
    void theManualIsUpToDate() throws IOException {
        assertThat(Files.readString(Path.of("../docs/jshimctl.md"))).isEqualTo(Manual.text());
    }

    @Test
    void everyCommandHasAnExample() {
        assertThat(Manual.text().split("\n## jshimctl ", -1))
                .hasSizeGreaterThan(18)
                .filteredOn(section -> !section.contains("jshimctl "))
                .isEmpty();
    }
}
