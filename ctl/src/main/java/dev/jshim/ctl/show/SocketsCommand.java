package dev.jshim.ctl.show;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.cli.Listing;
import dev.jshim.ctl.cli.Lists;
import dev.jshim.ctl.cli.WatchOption;
import dev.jshim.ctl.output.Fields;
import dev.jshim.ctl.output.TaskFields;
import dev.jshim.node.Answer;
import dev.jshim.node.socket.NodeSocket;
import dev.jshim.node.survey.SocketSurvey;
import dev.jshim.task.TaskId;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "sockets",
        description = "List every shim socket: in the file system, abstract, and named in bundles.",
        footer = {
            "",
            "State: ok; exposed (other users than root can connect); unnamed (a process listens, but no bundle names the",
            "socket: a shim of another containerd, or one without a task); stale (nobody listens); gone (a bundle",
            "names it, but it does not exist). Sockets that no bundle names are listed only without -n.",
            "",
            "Examples:",
            "  jshimctl sockets",
            "  jshimctl sockets -o json"
        })
public final class SocketsCommand implements Callable<Integer>, Lists {
    private static final Listing LISTING = new Listing()
            .column("STATE", "state")
            .column("KIND", "kind")
            .column("MODE", "mode")
            .column("OWNER", "owner")
            .column("PEERS", "peers")
            .column("CONNECT", "connect")
            .column("TASKS", "tasks")
            .column("ADDRESS", "address")
            .wide("WHY", "exposure")
            .besides("listening")
            .named(row -> String.valueOf(row.get("address")));

    private final Cli cli;

    @Mixin
    private final WatchOption watch = new WatchOption();

    public SocketsCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Listing listing() {
        return LISTING;
    }

    @Override
    public Integer call() {
        return watch.run(cli, SocketsCommand::show);
    }

    private static int show(Cli cli) {
        var node = cli.reader().read();
        var sockets = new SocketSurvey(
                        cli.proc(), cli.machine().sockets(), cli.globals().timeout())
                .of(node).stream()
                        .filter(socket -> cli.globals().namespace() == null
                                || !socket.namedBy().isEmpty())
                        .toList();
        var rows = sockets.stream().map(SocketsCommand::fields).toList();
        cli.show(new Fields().with("sockets", rows), () -> LISTING.write(cli, rows));
        node.problems().forEach(cli::note);
        return node.problems().isEmpty() ? ExitCode.OK : ExitCode.FINDINGS;
    }

    private static Fields fields(NodeSocket socket) {
        var facts = socket.facts();
        var connect = socket.connect();
        return new Fields()
                .with("address", facts.socket().address())
                .with("kind", facts.socket().kind())
                .with("state", socket.verdict().label())
                .with("exposure", TaskFields.known(facts.exposure()))
                .with("mode", TaskFields.mode(facts.mode()))
                .with("owner", facts.owner())
                .with("listening", facts.listening())
                .with("peers", facts.peers())
                .with(
                        "connect",
                        connect == null
                                ? null
                                : connect instanceof Answer.Answered<Boolean> ? "yes" : connect.describe())
                .with("tasks", socket.namedBy().stream().map(TaskId::toString).collect(Collectors.toList()));
    }
}
