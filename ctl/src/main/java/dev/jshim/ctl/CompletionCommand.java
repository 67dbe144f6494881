package dev.jshim.ctl;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.ExitCode;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        name = "completion",
        description = "Print a completion script for a shell.",
        footer = {
            "",
            "Examples:",
            "  jshimctl completion bash > /etc/bash_completion.d/jshimctl",
            "  jshimctl completion zsh > /usr/share/zsh/site-functions/_jshimctl",
            "  jshimctl completion fish > /etc/fish/completions/jshimctl.fish"
        })
final class CompletionCommand implements Callable<Integer> {
    private final Cli cli;

    @Parameters(paramLabel = "SHELL", description = "bash, zsh or fish")
    private Shell shell = Shell.bash;

    /** Those that we have a script for. */
    enum Shell {
        bash,
        zsh,
        fish
    }

    CompletionCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        cli.globals().refuseOutput();
        // all commands: the line that we were called by names but this one
        var all = CommandTree.commandLine(cli.out(), cli.err());
        cli.out()
                .print(
                        switch (shell) {
                            case bash -> BashCompletion.of(all);
                            case zsh -> ZshCompletion.of(all);
                            case fish -> FishCompletion.of(all);
                        });
        return ExitCode.OK;
    }
}
