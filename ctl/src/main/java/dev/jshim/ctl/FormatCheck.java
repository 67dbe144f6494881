package dev.jshim.ctl;

import dev.jshim.ctl.cli.CliException;
import dev.jshim.ctl.cli.Globals;
import dev.jshim.ctl.cli.Lists;
import picocli.CommandLine;
import picocli.CommandLine.ExecutionException;
import picocli.CommandLine.IExecutionStrategy;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParseResult;

/** Before a command runs: whether it can write its result in the form that was asked for. Afterwards it has acted. */
final class FormatCheck implements IExecutionStrategy {
    private final Globals globals;
    private final IExecutionStrategy next = new CommandLine.RunLast();

    FormatCheck(Globals globals) {
        this.globals = globals;
    }

    @Override
    public int execute(ParseResult parsed) {
        if (globals.output().isOfRows() && !globals.onlyTells()) {
            var last = parsed;
            while (last.hasSubcommand()) {
                last = last.subcommand();
            }
            check(last.commandSpec());
        }
        return next.execute(parsed);
    }

    private void check(CommandSpec command) {
        if (!command.subcommands().isEmpty()) {
            return; // one of them is missing, which is the error to tell of
        }
        try {
            var listing = command.userObject() instanceof Lists lists ? lists.listing() : null;
            if (listing == null) {
                throw CliException.usage(
                        "-o name and -o custom-columns work only for lists",
                        "\"" + command.qualifiedName() + " --help\" shows its usage");
            }
            listing.check(globals.output());
        } catch (CliException e) {
            throw new ExecutionException(command.commandLine(), e.text(), e);
        }
    }
}
