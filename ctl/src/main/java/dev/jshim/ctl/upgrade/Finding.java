package dev.jshim.ctl.upgrade;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.output.Color;
import dev.jshim.ctl.output.Fields;
import dev.jshim.ctl.output.Text;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Something that an operator should know before containerd 2.x comes.
 *
 * @param isError whether something stops working; else it is a warning
 * @param topic in a word or two, the same for findings of a kind
 * @param what was found
 * @param why it matters
 * @param todo what to do about it
 */
public record Finding(boolean isError, String topic, String what, String why, String todo) {
    static Finding error(String topic, String what, String why, String todo) {
        return new Finding(true, topic, what, why, todo);
    }

    static Finding warning(String topic, String what, String why, String todo) {
        return new Finding(false, topic, what, why, todo);
    }

    Fields fields() {
        return new Fields()
                .with("level", level())
                .with("topic", topic)
                .with("what", what)
                .with("why", why)
                .with("todo", todo);
    }

    private String level() {
        return isError ? "error" : "warning";
    }

    private boolean isOfAKindWith(Finding other) {
        return isError == other.isError
                && topic.equals(other.topic)
                && why.equals(other.why)
                && todo.equals(other.todo);
    }

    /** Writes them for people, errors first; what has the same reason and the same remedy is one paragraph. */
    static void write(Cli cli, List<Finding> findings) {
        var left = new ArrayList<>(findings);
        left.sort(Comparator.comparing(finding -> !finding.isError()));
        while (!left.isEmpty()) {
            var first = left.getFirst();
            var kind = left.stream().filter(first::isOfAKindWith).toList();
            left.removeAll(kind);
            first.paragraph(cli, kind);
        }
    }

    private void paragraph(Cli cli, List<Finding> kind) {
        var out = cli.out();
        var level = cli.screen().hasColor() ? Color.of(level()) : level();
        out.println();
        if (kind.size() == 1) {
            out.println(level + ": " + topic + ": " + Text.oneLine(what));
        } else {
            out.println(level + ": " + topic + " (" + kind.size() + ")");
            kind.forEach(finding -> out.println("  " + Text.oneLine(finding.what)));
        }
        lines(cli, "  why:   ", why);
        lines(cli, "  to do: ", todo);
    }

    private static void lines(Cli cli, String label, String text) {
        var lines = Text.wrapped(Text.oneLine(text), cli.screen().width() - label.length());
        cli.out().println(label + lines.getFirst());
        for (var line : lines.subList(1, lines.size())) {
            cli.out().println(" ".repeat(label.length()) + line);
        }
    }
}
