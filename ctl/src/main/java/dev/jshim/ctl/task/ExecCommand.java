package dev.jshim.ctl.task;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.CliException;
import dev.jshim.ctl.cli.ShimCall;
import dev.jshim.ctl.cli.TaskArgument;
import dev.jshim.node.shim.Shims;
import java.util.ArrayList;
import java.util.List;
import java.util.Stack;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.IParameterConsumer;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "exec",
        description = "Run a command in a container, through its shim, even if containerd is down.",
        footer = {
            "",
            "The command has the container's user, environment and capabilities. jshimctl exits with the command's exit",
            "status. Everything after the first word of COMMAND belongs to the command, including options.",
            "",
            "With -t each key goes to the command, also Ctrl-C. Ctrl-P Ctrl-Q detaches: the command keeps running in the",
            "container, and its output is lost. Without -t, Ctrl-C sends SIGINT to it, and a second one ends jshimctl.",
            "",
            "Examples:",
            "  jshimctl exec web cat /etc/hosts",
            "  jshimctl exec -it web sh",
            "  jshimctl exec -i web sh -s < script"
        })
public final class ExecCommand implements Callable<Integer> {
    private final Cli cli;

    @Parameters(index = "0", paramLabel = "ID", description = TaskArgument.DESCRIPTION)
    private String id = "";

    @Parameters(
            index = "1..*",
            arity = "1..*",
            paramLabel = "COMMAND",
            parameterConsumer = AllThatFollows.class,
            description = "the command and its arguments")
    private List<String> command = List.of();

    @Option(
            names = {"-i", "--stdin"},
            description = "pass stdin to the command")
    private boolean stdin;

    @Option(
            names = {"-t", "--tty"},
            description = "use this terminal; implies -i")
    private boolean tty;

    @Option(
            names = "--detach-keys",
            paramLabel = "KEYS",
            description =
                    "keys that detach from a command with a terminal: a,ctrl-x (default: ctrl-p,ctrl-q; none: \"\")")
    private String detachKeys = "ctrl-p,ctrl-q";

    @Option(names = "--exec-id", paramLabel = "EXEC", description = "the id of the exec (default: a new one)")
    private String execId = "jshimctl-" + ProcessHandle.current().pid() + "-" + Long.toHexString(System.nanoTime());

    @Option(names = "--cwd", paramLabel = "DIR", description = "working directory (default: the container's)")
    private String cwd = "";

    @Option(
            names = {"-e", "--env"},
            paramLabel = "NAME=VALUE",
            description = "add a variable to the environment")
    private List<String> environment = List.of();

    public ExecCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        cli.globals().refuseOutput();
        var bundle = cli.reader().bundle(id);
        if (execId.isEmpty() || execId.equals(bundle.task().id())) {
            throw CliException.usage("\"" + execId + "\" cannot be an exec's id", "leave --exec-id out");
        }
        var keys = new DetachKeys(detachKeys);
        @Nullable ExecTerminal terminal = tty ? ExecTerminal.open() : null;
        var size = terminal == null ? null : terminal.size();
        var process = ExecProcess.of(bundle, command, environment, cwd, size);
        try (var shim = ShimCall.value(bundle, Shims.open(bundle, cli.globals().timeout()));
                var streams = ExecStreams.open(cli, stdin || tty, !tty)) {
            return new ExecRun(cli, bundle, shim, execId, streams, keys, terminal).of(process);
        }
    }

    /** The first word of the command and all behind it, whatever they look like. */
    static final class AllThatFollows implements IParameterConsumer {
        @Override
        public void consumeParameters(Stack<String> args, ArgSpec argument, CommandSpec command) {
            var words = new ArrayList<String>();
            while (!args.isEmpty()) {
                words.add(args.pop());
            }
            argument.setValue(words);
        }
    }
}
