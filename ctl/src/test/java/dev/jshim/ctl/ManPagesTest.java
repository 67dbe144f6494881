package dev.jshim.ctl;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class ManPagesTest {
    private static final List<String> MACROS = List.of(".TH", ".SH", ".TP", ".PP", ".br");

    @Test
    void aPageForEachCommand() {
        var names = Commands.names().stream().map(name -> "jshimctl-" + name + ".8");
        assertThat(ManPages.pages().keySet()).contains("jshimctl.8").containsAll(names.toList());
        assertThat(ManPages.pages()).hasSize(Commands.names().size() + 1);
    }

    /** Options, parameters, examples and the commands of a command: what the manual has, a page has too. */
    @Test
    void nothingOfTheHelpIsMissing() {
        assertThat(ManPages.pages().get("jshimctl-kill.8"))
                .contains("\\fB\\-s, \\-\\-signal SIGNAL\\fR\nSIGTERM, TERM, 15, SIGRTMIN+3", "\\fBID\\fR")
                .contains(".br\n    jshimctl kill web \\-s KILL \\-\\-all\n");
        assertThat(ManPages.pages().get("jshimctl-bridge.8")).contains(".SH \"jshimctl bridge verify\"", "\\-\\-quiet");
        assertThat(ManPages.pages().get("jshimctl.8")).contains("\\fBjshimctl\\-kill\\fR(8)", "\\-\\-no\\-trunc");
    }

    /** What begins with a dot is a command of man's, and a minus that is none could not be copied. */
    @Test
    void theTextIsText() {
        ManPages.pages().forEach((name, page) -> {
            assertThat(page.lines().filter(line -> line.startsWith(".") || line.startsWith("'")))
                    .as(name)
                    .allMatch(line -> MACROS.contains(line.split(" ", 2)[0]));
            assertThat(page.lines().filter(line -> !line.startsWith(".TH")))
                    .as(name)
                    .noneMatch(line -> line.replace("\\-", "").contains("-"));
        });
    }
}
