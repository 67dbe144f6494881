package dev.jshim.ctl;

import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Model.PositionalParamSpec;

/** A completion script for bash: picocli's, which knows all names, and the ids of tasks, which only the node knows. */
final class BashCompletion {
    /** What picocli's script has for parameters of which it knows no values. */
    private static final String NO_VALUES = "local positionals=\"\"";

    private static final String IDS = "local positionals=\"$(_jshimctl_ids)\"";

    /** Of the node and the namespace that the line names. A shim that is mute is not waited for. */
    private static final String FUNCTION = """

            # The ids of the tasks.
            function _jshimctl_ids() {
              local i named=()
              for ((i = 1; i < COMP_CWORD; i++)); do
                case "${COMP_WORDS[i]}" in
                  --config|--root|--state|--address|-n|--namespace) named+=("${COMP_WORDS[i]}" "${COMP_WORDS[i + 1]}") ;;
                esac
              done
              "${COMP_WORDS[0]}" "${named[@]}" --timeout 500ms ls -q --no-others 2>/dev/null
            }
            """;

    private BashCompletion() {}

    static String of(CommandLine root) {
        var script = new StringBuilder(AutoComplete.bash("jshimctl", root));
        addIds(script, "_picocli_jshimctl", root);
        return script.append(FUNCTION).toString();
    }

    private static void addIds(StringBuilder script, String function, CommandLine command) {
        if (command.getCommandSpec().positionalParameters().stream().anyMatch(BashCompletion::isId)) {
            var at = script.indexOf(NO_VALUES, script.indexOf("function " + function + "() {"));
            script.replace(at, at + NO_VALUES.length(), IDS);
        }
        command.getSubcommands().forEach((name, inner) -> addIds(script, function + "_" + name, inner));
    }

    /** Whether a parameter is a task. */
    static boolean isId(PositionalParamSpec parameter) {
        return parameter.paramLabel().startsWith("ID");
    }
}
