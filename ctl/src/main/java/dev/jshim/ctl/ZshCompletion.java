package dev.jshim.ctl;

import picocli.CommandLine;

/**
 * A completion script for zsh: bash's, by a layer that zsh has for these. To be sourced, or found as {@code _jshimctl}.
 */
final class ZshCompletion {
    /**
     * picocli's script has an alias for compopt, which comes too late because zsh reads all of a file before it runs
     * it.
     */
    private static final String BEFORE = """
            #compdef jshimctl
            autoload -U +X bashcompinit && bashcompinit
            function compopt { : }
            """;

    /** As {@code _jshimctl} it is loaded when the first completion waits for an answer. */
    private static final String AFTER = """

            [[ ${funcstack[1]} != _jshimctl ]] || _bash_complete -o default -F _complete_jshimctl
            """;

    private ZshCompletion() {}

    static String of(CommandLine root) {
        return BEFORE + BashCompletion.of(root) + AFTER;
    }
}
