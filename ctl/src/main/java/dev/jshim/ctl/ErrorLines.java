package dev.jshim.ctl;

import dev.jshim.ctl.cli.CliException;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.cli.Globals;
import dev.jshim.ctl.output.Text;
import java.io.PrintWriter;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** Errors in a line for a person and one of what to do; all of an error only with --stacktrace. */
final class ErrorLines implements IExecutionExceptionHandler, IParameterExceptionHandler {
    private final Globals globals;
    private final Set<String> commands;
    private final PrintWriter err;

    /** @param commands names to propose for one that is unknown */
    ErrorLines(Globals globals, Set<String> commands, PrintWriter err) {
        this.globals = globals;
        this.commands = commands;
        this.err = err;
    }

    @Override
    public int handleExecutionException(Exception e, CommandLine command, ParseResult parsed) {
        if (globals.stacktrace()) {
            e.printStackTrace(err);
        }
        if (e instanceof CliException failure) {
            line(failure.text());
            hint(failure.hint());
            return failure.exitCode();
        }
        line("internal error: " + e);
        hint(globals.stacktrace() ? "" : "run it again with --stacktrace and report the output");
        return ExitCode.INTERNAL;
    }

    @Override
    public int handleParseException(ParameterException e, String[] args) {
        var command = e.getCommandLine();
        if (e instanceof UnmatchedArgumentException unmatched) {
            unmatched(unmatched, command);
        } else {
            // picocli's word for it is a programmer's
            line(String.valueOf(e.getMessage()).replace("is not an int", "is not a whole number"));
        }
        hint("\"" + command.getCommandSpec().qualifiedName() + " --help\" shows its usage");
        return ExitCode.USAGE;
    }

    private void unmatched(UnmatchedArgumentException e, CommandLine command) {
        var typed = e.getUnmatched().getFirst();
        var names = command.getSubcommands().keySet();
        if (e.isUnknownOption()) {
            line("unknown option " + typed);
            names = command.getCommandSpec().optionsMap().keySet();
        } else if (names.isEmpty()) {
            line("\"" + typed + "\" is an extra argument");
        } else {
            line("unknown command \"" + typed + "\"");
            names = command.getParent() == null ? commands : names;
        }
        var similar = Text.similar(typed, names);
        hint(similar.isEmpty() ? "" : "did you mean " + String.join(", ", similar) + "?");
    }

    private void line(String text) {
        err.println("jshimctl: " + Text.oneLine(text));
    }

    private void hint(String text) {
        if (!text.isEmpty()) {
            err.println("  " + Text.oneLine(text));
        }
    }
}
