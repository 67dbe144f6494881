package dev.jshim.ctl;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "check",
        description = "Tell whether this node is ready for containerd 2.x: each finding with why and what to do.",
        footer = {
            "",
            "It looks at tasks, sockets, the bridge, containerd's config.toml, folders, disk, kernel, KillMode and crun.",
            "Ends with 0 where nothing was found, with 3 where something was. --config names another file than that of",
            "the running containerd.",
            "",
            "Examples:",
            "  jshimctl check",
            "  jshimctl check --config /etc/containerd/config.toml -o json"
        })
final class CheckCommand implements Callable<Integer> {
    private final Cli cli;

    @Option(
            names = "--new-containerd",
            paramLabel = "FILE",
            description = "the containerd 2.x that is to come: its \"config migrate\", which changes nothing, is asked"
                    + " what it makes of the configuration")
    private @Nullable Path program;

    CheckCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        if (!Privileges.isRoot()) {
            cli.note("you are not root: shims and their sockets cannot be seen, nor can most of containerd's folders");
        }
        cli.globals().tolerateBrokenConfig();
        var node = cli.reader().read();
        // First: afterwards we ourselves may be taken for one who is connected to a container.
        var findings = new ArrayList<>(Bridges.findings(cli));
        findings.addAll(new TaskChecks(cli).of(node));
        var configChecks = new ConfigChecks(cli, cli.globals().config(), program);
        findings.addAll(configChecks.all());
        var host = new HostChecks(cli);
        findings.addAll(host.all());
        var rows = findings.stream().map(Finding::fields).toList();
        var facts = host.facts(configChecks.file());
        cli.show(new Fields().with("facts", facts).with("findings", rows), () -> {
            Outline.write(cli.out(), facts);
            for (var finding : findings) {
                finding.write(cli);
            }
            cli.out().println();
            cli.out().println(findings.isEmpty() ? "nothing was found" : findings.size() + " findings");
        });
        node.problems().forEach(cli::note);
        return findings.isEmpty() ? ExitCode.OK : ExitCode.FINDINGS;
    }
}
