package dev.jshim.ctl;

/**
 * Something that an operator should know before containerd 2.x comes.
 *
 * @param isError whether something stops working; else it is a warning
 * @param topic in a word or two, the same for findings of a kind
 * @param what was found
 * @param why it matters
 * @param todo what to do about it
 */
record Finding(boolean isError, String topic, String what, String why, String todo) {
    static Finding error(String topic, String what, String why, String todo) {
        return new Finding(true, topic, what, why, todo);
    }

    static Finding warning(String topic, String what, String why, String todo) {
        return new Finding(false, topic, what, why, todo);
    }

    Fields fields() {
        return new Fields()
                .with("level", isError ? "error" : "warning")
                .with("topic", topic)
                .with("what", what)
                .with("why", why)
                .with("todo", todo);
    }

    /** Writes it for people, after an empty line. */
    void write(Cli cli) {
        var level = isError ? "error" : "warning";
        var out = cli.out();
        out.println();
        out.println((Screen.of(cli.globals()).hasColor() ? Color.of(level) : level) + "  " + topic + ": "
                + Text.oneLine(what));
        paragraph(cli, "  why:   ", why);
        paragraph(cli, "  to do: ", todo);
    }

    private static void paragraph(Cli cli, String label, String text) {
        var lines = Text.wrapped(Text.oneLine(text), Screen.of(cli.globals()).width() - label.length());
        cli.out().println(label + lines.getFirst());
        for (var line : lines.subList(1, lines.size())) {
            cli.out().println(" ".repeat(label.length()) + line);
        }
    }
}
