package dev.jshim.ctl;

import static org.assertj.core.api.Assertions.assertThat;

import dev.jshim.ctl.output.Fields;
import dev.jshim.ctl.output.Json;
import dev.jshim.ctl.output.Table;
import dev.jshim.ctl.output.Yaml;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What containers choose of a result must not drive the terminal, in whatever form it is written. */
class ControlCharactersTest {
    private static final String HOSTILE = "a\tb\n\u001b[2J\u009b\u007f";

    private static final Fields FIELDS = new Fields()
            .with("text", HOSTILE)
            .with("list", List.of(HOSTILE))
            .with("row", new Fields().with("text", HOSTILE));

    @Test
    void json() {
        var out = new StringWriter();
        Json.write(new PrintWriter(out), FIELDS);
        assertThat(out.toString())
                .contains("\"a\\tb\\n\\u001b[2J\\u009b\\u007f\"")
                .matches(this::isPlain);
    }

    @Test
    void yaml() {
        var out = new StringWriter();
        Yaml.write(new PrintWriter(out), FIELDS);
        assertThat(out.toString())
                .contains("\"a\\tb\\n\\u001b[2J\\u009b\\u007f\"")
                .matches(this::isPlain);
    }

    @Test
    void table() {
        var table = new Table("TEXT");
        table.row(HOSTILE);
        var out = new StringWriter();
        table.write(new PrintWriter(out));
        assertThat(out.toString()).isEqualTo("TEXT\na?b??[2J??\n");
    }

    private boolean isPlain(String written) {
        return written.chars().allMatch(c -> c == '\n' || !Character.isISOControl(c));
    }
}
