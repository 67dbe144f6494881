package dev.jshim.ctl;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.OptionSpec;

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
        manual.out.append("\n## Options of all commands\n\nBefore the command's name or after it.\n\n");
        manual.options(root, true);
        manual.out.append("\n## Exit codes\n\n| code | |\n| --- | --- |\n");
        root.getCommandSpec()
                .usageMessage()
                .exitCodeList()
                .forEach((code, meaning) -> manual.row(code.strip(), meaning));
        root.getSubcommands().values().stream().distinct().forEach(command -> manual.command(command, "##"));
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
        out.append("\n    ").append(synopsis(command)).append("\n");
        if (!spec.positionalParameters().isEmpty() || hasOwnOptions(command)) {
            out.append("\n| | |\n| --- | --- |\n");
            for (var parameter : spec.positionalParameters()) {
                row(parameter.paramLabel(), String.join(" ", parameter.description()));
            }
            options(command, false);
        }
        footer(spec.usageMessage().footer());
        command.getSubcommands().values().stream().distinct().forEach(inner -> command(inner, heading + "#"));
    }

    private static String synopsis(CommandLine command) {
        var text = new StringBuilder(command.getCommandSpec().qualifiedName());
        for (var option : command.getCommandSpec().options()) {
            if (isOwn(option)) {
                text.append(" [").append(name(option)).append(']');
            }
        }
        for (var parameter : command.getCommandSpec().positionalParameters()) {
            text.append(' ').append(parameter.paramLabel());
            text.append(parameter.arity().max() > 1 ? "..." : "");
        }
        return text.append(command.getSubcommands().isEmpty() ? "" : " COMMAND").toString();
    }

    private void description(CommandLine command) {
        out.append(String.join(" ", command.getCommandSpec().usageMessage().description()))
                .append('\n');
    }

    private void options(CommandLine command, boolean isRoot) {
        if (isRoot) {
            out.append("| | |\n| --- | --- |\n");
        }
        for (var option : command.getCommandSpec().options()) {
            if (isRoot || isOwn(option)) {
                row(String.join(", ", option.names()) + label(option), String.join(" ", option.description()));
            }
        }
    }

    private static boolean hasOwnOptions(CommandLine command) {
        return command.getCommandSpec().options().stream().anyMatch(Manual::isOwn);
    }

    private static boolean isOwn(OptionSpec option) {
        return !option.inherited() && !option.hidden();
    }

    private static String name(OptionSpec option) {
        return option.longestName() + label(option);
    }

    private static String label(OptionSpec option) {
        return option.arity().max() == 0 ? "" : " " + option.paramLabel();
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
