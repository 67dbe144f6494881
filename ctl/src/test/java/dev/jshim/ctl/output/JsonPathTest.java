package dev.jshim.ctl.output;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonPathTest {
    private static final Fields RESULT = new Fields()
            .with("name", "node\u001b[2J")
            .with("none", null)
            .with("task", new Fields().with("id", "web").with("pid", 17).with("odd-key", true))
            .with(
                    "tasks",
                    List.of(
                            new Fields().with("id", "a").with("pid", 5).with("up", true),
                            new Fields().with("id", "b").with("pid", 50).with("up", false),
                            new Fields().with("id", "c").with("pid", null).with("up", false)))
            .with("words", List.of("x", "y"));

    private static String written(String template) {
        var out = new StringWriter();
        var missing = JsonPath.parse(template).write(new PrintWriter(out), RESULT);
        return out + (missing.isEmpty() ? "" : "missing " + missing);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            ignoreLeadingAndTrailingWhitespace = true,
            quoteCharacter = '`',
            value = {
                "{.task.id} | web",
                ".task.id | web",
                "task.id | web",
                "{$.task['pid']} | 17",
                "{.task.odd-key} | true",
                "id={.task.id}, pid={.task.pid} | id=web, pid=17",
                "{.tasks[*].id} | a b c",
                "{.tasks[0].id} | a",
                "{.tasks[-1].id} | c",
                "{.words.*} | x y",
                "{.words} | [`x`,`y`]",
                "{.tasks[0]} | {'id':'a','pid':5,'up':true}",
                "{.tasks[?(@.id=='b')].pid} | 50",
                "{.tasks[?(@.pid>=50)].id} | b",
                "{.tasks[?(@.pid<50)].id} | a",
                "{.tasks[?(@.id!=\"b\")].id} | a c",
                "{.tasks[?(@.up==true)].id} | a",
                "{range .tasks[*]}{.id}{\";\"}{end} | a;b;c;",
                "{range .tasks[*]}{@.id}={.pid} {end}{.task.id} | a=5 b=50 c= web"
            })
    void takesWhatKubectlWould(String template, String expected) {
        assertThat(written(template).strip())
                .isEqualTo(expected.replace('\'', '"').replace('`', '"'));
    }

    @ParameterizedTest
    @CsvSource({"{.none},''", "{.tasks[9].id},''", "{.tasks[?(@.id=='z')].pid},''"})
    void whatIsNotKnownIsEmpty(String template, String expected) {
        assertThat(written(template).strip()).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({"{.taks},taks", "{.task.ids},ids", "{.tasks.id},id", "{.tasks[*].ids},ids", "{.name.x},x"})
    void aNameThatNothingHasIsSaid(String template, String missing) {
        assertThat(written(template)).isEqualToNormalizingNewlines("\nmissing [" + missing + "]");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{.task",
                "{.task[}",
                "{.task['id}",
                "{..id}",
                "{.tasks[0:2]}",
                "{.tasks[0,1]}",
                "{.tasks[?(@.id)]}",
                "{.tasks[?(@.id==web)]}",
                "{range .tasks[*]}{.id}",
                "{end}",
                "{.a b}"
            })
    void whatIsNoTemplateIsRefused(String template) {
        assertThatThrownBy(() -> JsonPath.parse(template)).isInstanceOf(IllegalArgumentException.class);
    }

    @org.junit.jupiter.api.Test
    void aTerminalIsNotDeceived() {
        assertThat(written("{.name}")).doesNotContain("\u001b");
        assertThat(written("{range .words[*]}{@}{\"\\n\"}{end}")).isEqualToNormalizingNewlines("x\ny\n");
    }
}
