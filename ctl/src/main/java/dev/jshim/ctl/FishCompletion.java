package dev.jshim.ctl;

import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** A completion script for fish (complete(1)): subcommands and options with what they are for. */
final class FishCompletion {
    /** See {@link BashCompletion}: what only the node knows. */
    private static final String IDS = "-x -a '(jshimctl --timeout 500ms ls -q --no-others 2>/dev/null)'";

    private FishCompletion() {}

    static String of(CommandLine root) {
        var out = new StringBuilder("complete -c jshimctl -f\n");
        var names = List.copyOf(root.getSubcommands().keySet());
        var none = "not __fish_seen_subcommand_from " + String.join(" ", names);
        root.getCommandSpec().options().forEach(option -> option(out, "", option));
        root.getSubcommands().forEach((name, command) -> {
            line(
                    out,
                    none,
                    "-a " + name,
                    description(command.getCommandSpec().usageMessage().description()));
            var here = "__fish_seen_subcommand_from " + name;
            command.getSubcommands()
                    .forEach((inner, spec) -> line(
                            out,
                            here,
                            "-a " + inner,
                            description(spec.getCommandSpec().usageMessage().description())));
            command.getCommandSpec().positionalParameters().stream()
                    .filter(parameter -> parameter.completionCandidates() != null || BashCompletion.isId(parameter))
                    .forEach(parameter -> line(out, here, value(parameter), description(parameter.description())));
            command.getCommandSpec().options().stream()
                    .filter(option -> !option.inherited())
                    .forEach(option -> option(out, here, option));
        });
        return out.toString();
    }

    private static void option(StringBuilder out, String condition, OptionSpec option) {
        var names = new StringBuilder();
        for (var name : option.names()) {
            names.append(name.startsWith("--") ? "-l " + name.substring(2) : "-s " + name.substring(1))
                    .append(' ');
        }
        line(out, condition, names + value(option), description(option.description()));
    }

    /** Files if a path is meant; else what there is to choose from. */
    private static String value(ArgSpec argument) {
        if (argument.arity().max() == 0) {
            return "";
        }
        if (Path.class.equals(argument.type())) {
            return "-rF";
        }
        if (argument instanceof PositionalParamSpec parameter && BashCompletion.isId(parameter)) {
            return IDS;
        }
        var candidates = argument.completionCandidates();
        return candidates == null ? "-x" : "-x -a '" + String.join(" ", candidates) + "'";
    }

    private static void line(StringBuilder out, String condition, String what, String description) {
        out.append("complete -c jshimctl ");
        if (!condition.isEmpty()) {
            out.append("-n '").append(condition).append("' ");
        }
        out.append(what.strip())
                .append(" -d '")
                .append(description.replace("'", "\\'"))
                .append("'\n");
    }

    private static String description(String[] lines) {
        return lines.length == 0 ? "" : lines[0];
    }
}
