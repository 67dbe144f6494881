package dev.jshim.ctl;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.Globals;
import dev.jshim.ctl.cli.Machine;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;

/** All commands, their help and how their errors are shown. */
final class CommandTree {
    private static final int HELP_WIDTH = 100;

    private CommandTree() {}

    static int execute(Machine machine, PrintWriter out, PrintWriter err, String... args) {
        var words = withoutHelp(args);
        return commandLine(machine, out, err, words).execute(words);
    }

    /** {@code help ls} is {@code ls --help}, as with most programs that have commands; options may stand before it. */
    private static String[] withoutHelp(String... args) {
        var first = firstWord(0, args);
        if (first == args.length || !args[first].equals("help")) {
            return args;
        }
        var words = new ArrayList<>(List.of(args));
        words.remove(first);
        var next = firstWord(first + 1, args);
        // With --help behind a name that is none nobody would look at the name: it is an error. All else is not to run.
        if (next == args.length || Commands.isKnown(args[next])) {
            words.add("--help");
        }
        return words.toArray(String[]::new);
    }

    /** Where the next command stands: behind the options of all commands and their values. */
    private static int firstWord(int from, String... args) {
        var i = from;
        while (i < args.length && args[i].startsWith("-")) {
            i += Globals.WITH_VALUE.contains(args[i]) ? 2 : 1;
        }
        return Math.min(i, args.length);
    }

    /** All commands, for help and completion. */
    static CommandLine commandLine(PrintWriter out, PrintWriter err) {
        return commandLine(Machine.ours(), out, err);
    }

    /** @param args what will be executed: only the commands that it names are made, see {@link Commands} */
    static CommandLine commandLine(Machine machine, PrintWriter out, PrintWriter err, String... args) {
        var globals = new Globals();
        var cli = new Cli(globals, machine, out, err);
        globals.onFound(cli::note);
        var errors = new ErrorLines(globals, Commands.names(), err);
        var command = Commands.commandLine(cli, args);
        command.setOut(out)
                .setErr(err)
                .setColorScheme(CommandLine.Help.defaultColorScheme(CommandLine.Help.Ansi.OFF))
                .setUsageHelpWidth(HELP_WIDTH)
                .setExecutionStrategy(new FormatCheck(globals))
                .setExecutionExceptionHandler(errors)
                .setParameterExceptionHandler(errors);
        command.getCommandSpec().versionProvider(() -> new String[] {"jshimctl " + Build.version()});
        explainExitCodes(command);
        return command;
    }

    private static void explainExitCodes(CommandLine command) {
        command.getCommandSpec()
                .usageMessage()
                .exitCodeListHeading("%nExit codes:%n")
                .exitCodeList(exitCodes());
        command.getSubcommands().values().forEach(CommandTree::explainExitCodes);
    }

    private static Map<String, String> exitCodes() {
        var out = new LinkedHashMap<String, String>();
        out.put(" 0", "done");
        out.put(" 1", "failed");
        out.put(" 2", "usage error");
        out.put(" 3", "problems were found, or only part of the work was done");
        out.put(" 4", "internal error of jshimctl");
        return out;
    }
}
