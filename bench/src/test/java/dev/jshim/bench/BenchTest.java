package dev.jshim.bench;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** One round of everything: that all rows come, never how fast. */
@Tag("long")
class BenchTest {
    @Test
    void everyRowIsMeasured() throws Exception {
        var text = Bench.measure(Bench.Size.QUICK, Bench.ALL);

        assertThat(text)
                .contains(
                        "`ctr run --rm`", "`ctr task exec`", "on a terminal", "Pss per idle", "MiB of stdout, no criu")
                .contains("MiB of stdout, criu", "8 at a time", "State by ttrpc", "Pids by ttrpc", "Stats by ttrpc")
                .contains(
                        "first container on an idle node",
                        "large writes on a terminal",
                        "3 containers",
                        "NeverCheckpointed")
                .contains("jshim, `node`, the first");
    }
}
