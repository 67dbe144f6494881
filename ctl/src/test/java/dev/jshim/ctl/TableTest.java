package dev.jshim.ctl;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TableTest {
    private static String written(Screen screen) {
        var table = new Table("ID", "HEALTH", "BUNDLE");
        table.row("a", "ok", "/run/containerd/io.containerd.runtime.v2.task/default/a");
        table.row("b", "mute", null);
        var out = new StringWriter();
        table.write(new PrintWriter(out), screen);
        return out.toString();
    }

    @Test
    void asWideAsNeeded() {
        assertThat(written(new Screen(false, 0, false))).isEqualTo("""
                        ID  HEALTH  BUNDLE
                        a   ok      /run/containerd/io.containerd.runtime.v2.task/default/a
                        b   mute    -
                        """);
    }

    @Test
    void cutToTheScreen() {
        assertThat(written(new Screen(true, 40, false))).isEqualTo("""
                        ID  HEALTH  BUNDLE
                        a   ok      /run/cont….v2.task/default/a
                        b   mute    -
                        """);
    }

    private static String fourColumns(int width) {
        var table = new Table("NAMESPACE", "IMAGE", "COMMAND", "SOCKET");
        table.row("default", "docker.io/library/nginx", "nginx -g daemon off;", "file");
        var out = new StringWriter();
        table.write(new PrintWriter(out), new Screen(true, width, false));
        return out.toString();
    }

    @Test
    void columnsMoveTogetherBeforeTheTableIsTooWide() {
        assertThat(fourColumns(40)).isEqualTo("""
                        NAMESPACE  IMAGE       COMMAND    SOCKET
                        default    doc…/nginx  nginx -g…  file
                        """);
        assertThat(fourColumns(35)).isEqualTo("""
                        NAMESPACE IMAGE     COMMAND  SOCKET
                        default   doc…nginx nginx -… file
                        """);
    }

    /** Two broken lines that say all are better than two that say half. */
    @Test
    void whatCannotFitIsNotCut() {
        assertThat(fourColumns(30)).isEqualTo(fourColumns(0));
    }

    @Test
    void coloursAreOutsideOfTheWidth() {
        assertThat(written(new Screen(true, 40, true)))
                .contains("\u001b[32mok\u001b[0m      /run", "\u001b[33mmute\u001b[0m    -");
    }

    @Test
    void whatAScreenIs() {
        assertThat(Screen.of("", Map.of(), true, true)).isEqualTo(new Screen(false, 0, false));
        assertThat(Screen.of("24,100", Map.of(), true, true)).isEqualTo(new Screen(true, 100, true));
        assertThat(Screen.of("24,100", Map.of("NO_COLOR", "1"), false, true)).isEqualTo(new Screen(true, 0, false));
        assertThat(Screen.of("0,0", Map.of("TERM", "dumb"), true, true)).isEqualTo(new Screen(true, 80, false));
    }

    @Test
    void textIsBrokenBetweenWords() {
        assertThat(Text.wrapped("one two three", 0)).containsExactly("one two three");
        assertThat(Text.wrapped("one two three", 7)).containsExactly("one two", "three");
        assertThat(Text.wrapped("one incomprehensible two", 5)).containsExactly("one", "incomprehensible", "two");
        assertThat(Text.wrapped("", 5)).containsExactly("");
    }
}
