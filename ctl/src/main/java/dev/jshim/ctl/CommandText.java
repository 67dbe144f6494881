package dev.jshim.ctl;

import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** How a command, its options and their values are written, in the manual and in the man pages alike. */
final class CommandText {
    private CommandText() {}

    /** The command's name with its own options and its parameters. */
    static String synopsis(CommandLine command) {
        var text = new StringBuilder(command.getCommandSpec().qualifiedName());
        for (var option : ownOptions(command)) {
            text.append(" [").append(option.longestName()).append(label(option)).append(']');
        }
        for (var parameter : command.getCommandSpec().positionalParameters()) {
            text.append(' ').append(parameter.paramLabel());
            text.append(parameter.arity().max() > 1 ? "..." : "");
        }
        return text.append(command.getSubcommands().isEmpty() ? "" : " COMMAND").toString();
    }

    /** Those that the command has and its parent has not. */
    static List<OptionSpec> ownOptions(CommandLine command) {
        return command.getCommandSpec().options().stream()
                .filter(option -> !option.inherited() && !option.hidden())
                .toList();
    }

    /** All names of an option and what its value is called. */
    static String names(OptionSpec option) {
        return String.join(", ", option.names()) + label(option);
    }

    private static String label(OptionSpec option) {
        return option.arity().max() == 0 ? "" : " " + option.paramLabel();
    }

    /** What a command is for, in one line. */
    static String description(CommandLine command) {
        return String.join(" ", command.getCommandSpec().usageMessage().description());
    }

    /** Each command once, under its first name. */
    static List<CommandLine> subcommands(CommandLine command) {
        return command.getSubcommands().values().stream().distinct().toList();
    }
}
