package dev.jshim.ctl;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;

/** Writes the manual out of the commands' own help, so that the two cannot differ: {@code Manual FILE}. */
public final class Manual {
    private final StringBuilder out = new StringBuilder();

    private Manual() {}

    public static void main(String[] args) throws IOException {
        Files.writeString(Path.of(args[0]), text());
    }

    /** The manual, in Markdown. */
    static String text() {
        var nowhere = new PrintWriter(Writer.nullWriter());
        var root = CommandTree.commandLine(nowhere, nowhere);
        var manual = new Manual();
        manual.out.append("# jshimctl\n\nMade from the commands' own help; see ctl/README.md for how.\n\n");
        manual.description(root);
        manual.out.append("\n## Options of all commands\n\nThey can come before or after the command's name.\n\n");
        manual.options(root, true);
        manual.out.append("\n## Exit codes\n\n| code | |\n| --- | --- |\n");
        root.getCommandSpec()
                .usageMessage()
                .exitCodeList()
                .forEach((code, meaning) -> manual.row(code.strip(), meaning));
        CommandText.subcommands(root).forEach(command -> manual.command(command, "##"));
        return manual.out.toString();
    }

    private void command(CommandLine command, String heading) {
        var spec = command.getCommandSpec();
        out.append('\n')
                .append(heading)
                .append(' ')
                .append(spec.qualifiedName())
                .append("\n\n");
        description(command);
        out.append("\n    ").append(CommandText.synopsis(command)).append("\n");
        if (!spec.positionalParameters().isEmpty()
                || !CommandText.ownOptions(command).isEmpty()) {
            out.append("\n| | |\n| --- | --- |\n");
            for (var parameter : spec.positionalParameters()) {
                row(parameter.paramLabel(), String.join(" ", parameter.description()));
            }
            options(command, false);
        }
        footer(spec.usageMessage().footer());
        CommandText.subcommands(command).forEach(inner -> command(inner, heading + "#"));
    }

    private void description(CommandLine command) {
        out.append(CommandText.description(command)).append('\n');
    }

    private void options(CommandLine command, boolean isRoot) {
        if (isRoot) {
            out.append("| | |\n| --- | --- |\n");
        }
        var options = isRoot ? command.getCommandSpec().options() : CommandText.ownOptions(command);
        for (var option : options) {
            row(CommandText.names(option), String.join(" ", option.description()));
        }
    }

    private void row(String name, String meaning) {
        out.append("| `")
                .append(name)
                .append("` | ")
                .append(meaning.replace("|", "\\|"))
                .append(" |\n");
    }

    /** Text as it is, examples as code. */
    private void footer(String[] lines) {
        for (var line : lines) {
            var text = Ansi.OFF.string(line);
            out.append(text.startsWith("  ") ? "    " + text.strip() : text).append('\n');
            if (text.startsWith("Example")) {
                out.append('\n');
            }
        }
    }
}
