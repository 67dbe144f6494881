package dev.jshim.ctl;

import dev.jshim.node.Answer;
import dev.jshim.node.Bundle;
import dev.jshim.node.ExecRequest;
import dev.jshim.node.Shim;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "exec",
        description = "Run a command in a container, through its shim, with containerd down too.",
        footer = {
            "",
            "It has the container's user, environment and capabilities, and no terminal. jshimctl ends with the",
            "command's own exit status. Write -- before a command that has options.",
            "",
            "Examples:",
            "  jshimctl exec web cat /etc/hosts",
            "  jshimctl exec web -- ls -l /",
            "  jshimctl exec web -i -- sh < script"
        })
final class ExecCommand implements Callable<Integer> {
    private static final Duration EVER = Duration.ofDays(36500);
    private static final Duration DRAIN = Duration.ofSeconds(5);
    private static final int SIGTERM = 15;

    private final Cli cli;

    @Parameters(
            index = "0",
            paramLabel = "ID",
            description = "the container's id, or a beginning of it that only one has")
    private String id = "";

    @Parameters(index = "1..*", arity = "1..*", paramLabel = "COMMAND", description = "what to run")
    private List<String> command = List.of();

    @Option(
            names = {"-i", "--stdin"},
            description = "pass on our stdin")
    private boolean stdin;

    @Option(names = "--exec-id", paramLabel = "EXEC", description = "the id of the exec (default: one of its own)")
    private String execId = "jshimctl-" + ProcessHandle.current().pid() + "-" + Long.toHexString(System.nanoTime());

    @Option(names = "--cwd", paramLabel = "DIR", description = "where it runs (default: as the container)")
    private String cwd = "";

    @Option(
            names = {"-e", "--env"},
            paramLabel = "NAME=VALUE",
            description = "add to the environment")
    private List<String> environment = List.of();

    ExecCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        var bundle = cli.reader().bundle(id);
        if (execId.isEmpty() || execId.equals(bundle.task().id())) {
            throw CliException.usage("\"" + execId + "\" cannot be an exec's id", "leave --exec-id out");
        }
        var process = ExecProcess.of(bundle, command, environment, cwd);
        try (var shim = ShimCall.value(bundle, Shim.open(bundle, cli.globals().timeout()));
                var streams = ExecStreams.open(cli, stdin)) {
            var request = new ExecRequest(execId, process, false, streams.stdin(), streams.stdout(), streams.stderr());
            ShimCall.value(bundle, shim.exec(request));
            return run(bundle, shim, streams);
        }
    }

    private int run(Bundle bundle, Shim shim, ExecStreams streams) {
        var end = Thread.ofPlatform().name("exec-end").unstarted(() -> {
            shim.kill(SIGTERM, execId, false);
            streams.close();
        });
        Runtime.getRuntime().addShutdownHook(end);
        try {
            ShimCall.value(bundle, shim.start(execId));
            if (stdin) {
                streams.feed(System.in, () -> shim.closeStdin(execId));
            }
            var exit = ShimCall.value(bundle, shim.await(execId, EVER));
            streams.drain(DRAIN);
            return exit.status();
        } finally {
            Runtime.getRuntime().removeShutdownHook(end);
            if (shim.deleteExec(execId) instanceof Answer.Mute<Boolean> mute) {
                cli.note("the exec " + execId + " was not removed: the shim is " + mute.describe());
            }
        }
    }
}
