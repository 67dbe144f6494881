package dev.jshim.ctl.output;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
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

    @Test
    void whatCannotFitLosesItsRightEnd() {
        assertThat(fourColumns(30)).isEqualTo("""
                        NAMESPACE IMAGE    COMMAND  S…
                        default   doc…ginx nginx -… f…
                        """);
        assertThat(fourColumns(20)).isEqualTo("""
                        NAMESPACE IMAGE
                        default   doc…ginx
                        """);
    }

    private static String tasks(int width) {
        var table = new Table(
                        "NAMESPACE", "ID", "API", "RUNTIME", "STATUS", "PID", "SHIM", "SOCKET", "ANSWER", "HEALTH")
                .spare(List.of("ANSWER", "SOCKET", "SHIM", "API"));
        table.row(
                "k8s.io",
                ID,
                "v1 bridged",
                "io.containerd.runtime.v1.linux",
                "RUNNING",
                1,
                2,
                "abstract",
                "2 ms",
                "ok");
        table.row("k8s.io", "web", "v2", "io.containerd.runc.v2", "RUNNING", 1234567, 1234568, "file", "2 ms", "ok");
        table.row("moby", "a b", "v2", "io.containerd.runtime.v2.oci", "STOPPED", 1, 2, "file", null, "degraded");
        var out = new StringWriter();
        table.write(new PrintWriter(out), new Screen(true, width, false));
        return out.toString();
    }

    private static final String ID = "0123456789abcdef".repeat(4);

    /** Runtimes differ at their ends, and ids may at either. */
    @Test
    void whatDistinguishesIsSeen() {
        assertThat(tasks(80)).isEqualTo("""
                        NAMESPACE ID            API        RUNTIME      STATUS  PID     SHIM    HEALTH
                        k8s.io    012345…abcdef v1 bridged …me.v1.linux RUNNING 1       2       ok
                        k8s.io    web           v2         …erd.runc.v2 RUNNING 1234567 1234568 ok
                        moby      a b           v2         …time.v2.oci STOPPED 1       2       degraded
                        """);
        assertThat(tasks(60)).isEqualTo("""
                        NAMESPACE ID           RUNTIME      STATUS  PID     HEALTH
                        k8s.io    012345…bcdef …me.v1.linux RUNNING 1       ok
                        k8s.io    web          …erd.runc.v2 RUNNING 1234567 ok
                        moby      a b          …time.v2.oci STOPPED 1       degraded
                        """);
        for (var width = 40; width < 200; width++) {
            var columns = width;
            assertThat(tasks(width).lines()).allMatch(line -> Text.width(line) <= columns);
        }
    }

    @Test
    void coloursAreOutsideOfTheWidth() {
        assertThat(written(new Screen(true, 40, true)))
                .contains("\u001b[32mok\u001b[0m      /run", "\u001b[33mmute\u001b[0m    -");
    }

    @Test
    void aNameHasNoColour() {
        var table = new Table("NAMESPACE", "ID", "ACTION");
        table.row("ok", "dead", "refuse");
        var out = new StringWriter();
        table.write(new PrintWriter(out), new Screen(true, 40, true));
        assertThat(out.toString().lines().skip(1)).containsExactly("ok         dead  \u001b[31mrefuse\u001b[0m");
    }

    @Test
    void anOutlineHasColoursForFieldsThatSayHowItIs() {
        var fields = new Fields()
                .with("running", false)
                .with("id", "dead")
                .with("task", new Fields().with("health", "dead").with("pid", 7))
                .with("replacementFailed", false);
        assertThat(outline(fields, true)).isEqualTo("""
                        running:           \u001b[31mfalse\u001b[0m
                        id:                dead
                        task:
                          health: \u001b[31mdead\u001b[0m
                          pid:    7
                        replacementFailed: false
                        """);
        assertThat(outline(fields, false)).doesNotContain("\u001b");
    }

    private static String outline(Fields fields, boolean color) {
        var out = new StringWriter();
        Outline.write(new PrintWriter(out), new Screen(true, 40, color), fields);
        return out.toString();
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
