package dev.jshim.ctl.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class ProgressBarTest {
    private static final String ERASE = "\r\u001b[K";

    private final StringWriter err = new StringWriter();
    private final Cli cli =
            new Cli(new Globals(), Machine.ours(), new PrintWriter(new StringWriter()), new PrintWriter(err));

    @Test
    void onATerminalItStaysBelowTheLines() {
        try (var bar = ProgressBar.of(cli, "yes", Map.of())) {
            bar.line("before");
            bar.step(1, 4, "adopt");
            bar.count(0, 3);
            bar.line("adopted k8s.io/a");
            bar.count(1, 3);
            bar.step(2, 4, "start");
        }
        assertThat(err.toString().split(Pattern.quote(ERASE), -1))
                .containsExactly(
                        "jshimctl: before\n[....................] 1/4 adopt",
                        "[....................] 1/4 adopt: 0 of 3 containers",
                        "jshimctl: adopted k8s.io/a\n[....................] 1/4 adopt: 0 of 3 containers",
                        "[#...................] 1/4 adopt: 1 of 3 containers",
                        "[#####...............] 2/4 start",
                        "");
    }

    @Test
    void withoutStepsItCounts() {
        try (var bar = ProgressBar.of(cli, "yes", Map.of("TERM", "xterm"))) {
            bar.count(1, 2);
            bar.count(2, 2);
        }
        assertThat(err)
                .hasToString("[##########..........] 1 of 2 containers" + ERASE
                        + "[####################] 2 of 2 containers" + ERASE);
    }

    @Test
    void elsewhereThereAreLines() {
        for (var bar :
                new ProgressBar[] {ProgressBar.of(cli, "", Map.of()), ProgressBar.of(cli, "yes", Map.of("TERM", "dumb"))
                }) {
            bar.step(2, 6, "stop containerd");
            bar.count(1, 3);
            bar.line("| said");
            bar.close();
        }
        assertThat(err).hasToString("jshimctl: [2/6] stop containerd\njshimctl: | said\n".repeat(2));
    }
}
