package dev.jshim.node.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ProgramRunTest {
    @Test
    void bothStreamsAndTheCode() throws IOException {
        var run = ProgramRun.of(
                List.of("sh", "-c", "cat; echo out; echo first >&2; echo last >&2; exit 4"), Duration.ofSeconds(30));
        assertThat(run).isEqualTo(new ProgramRun(4, "out\n", "first\nlast\n"));
        assertThat(run.lastLine()).isEqualTo("last");
    }

    /** Nor is a child waited for that has its output. */
    @Test
    void isKilledWhenItsTimeIsOver() {
        assertThatThrownBy(() -> ProgramRun.of(List.of("sh", "-c", "sleep 3 & sleep 4"), Duration.ofMillis(200)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("did not end within 200 ms");
    }
}
