package dev.jshim.ctl;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.ExitCode;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine;
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
    private final Supplier<CommandLine> all;

    @Parameters(paramLabel = "SHELL", description = "bash, zsh or fish")
    private Shell shell = Shell.bash;

    /** Those that we have a script for. */
    enum Shell {
        bash,
        zsh,
        fish
    }

    /** @param all makes the model of all commands: the line that this one was called by names no other */
    CompletionCommand(Cli cli, Supplier<CommandLine> all) {
        this.cli = cli;
        this.all = all;
    }

    @Override
    public Integer call() {
        cli.globals().refuseOutput();
        var commands = all.get();
        cli.out()
                .print(
                        switch (shell) {
                            case bash -> BashCompletion.of(commands);
                            case zsh -> ZshCompletion.of(commands);
                            case fish -> FishCompletion.of(commands);
                        });
        return ExitCode.OK;
    }
}
