package dev.jshim.ctl.upgrade;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.cli.Privileges;
import dev.jshim.ctl.output.Color;
import dev.jshim.ctl.output.Fields;
import dev.jshim.ctl.output.Outline;
import dev.jshim.node.survey.Node;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "check",
        description =
                "Report whether this node is ready for containerd 2.x: each finding with its reason and what to do.",
        footer = {
            "",
            "It changes nothing. It looks at the tasks of every containerd on the machine, sockets, the bridge, containerd's",
            "config.toml, directories, disk, kernel, KillMode, dockerd and crun. An error must be fixed before the upgrade; a",
            "warning can wait. Exits with 0 if there is no error, else with 3. --config names a file other than that of the",
            "running containerd.",
            "",
            "Examples:",
            "  jshimctl check",
            "  jshimctl check --strict",
            "  jshimctl check --config /etc/containerd/config.toml -o json"
        })
public final class CheckCommand implements Callable<Integer> {
    private final Cli cli;

    @Option(
            names = "--new-containerd",
            paramLabel = "FILE",
            description = "program of the new containerd 2.x; its \"config migrate\", which changes nothing, checks the"
                    + " configuration")
    private @Nullable Path program;

    @Option(names = "--strict", description = "exit with 3 for warnings too")
    private boolean strict;

    public CheckCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        if (!Privileges.isRoot()) {
            cli.note(
                    "run it as root: without root it cannot see shims, their sockets and most of containerd's directories");
        }
        cli.globals().tolerateBrokenConfig();
        var node = cli.reader().read();
        var configChecks = new ConfigChecks(cli, cli.globals().config(), program);
        var host = new HostChecks(cli);
        var findings = findings(cli, node, configChecks, host);
        var errors = (int) findings.stream().filter(Finding::isError).count();
        var warnings = findings.size() - errors;
        var facts = host.facts(configChecks.file());
        var fields = new Fields()
                .with("ready", errors == 0)
                .with("errors", errors)
                .with("warnings", warnings)
                .with("facts", facts)
                .with("findings", findings.stream().map(Finding::fields).toList());
        cli.show(fields, () -> {
            var verdict = errors == 0 ? "ready for containerd 2.x" : "not ready for containerd 2.x";
            cli.out()
                    .println((cli.screen().hasColor() ? Color.of(verdict) : verdict) + ": " + count(errors, "error")
                            + ", " + count(warnings, "warning"));
            cli.out().println();
            Outline.write(cli.out(), cli.screen(), facts);
            Finding.write(cli, findings);
        });
        node.problems().forEach(cli::note);
        return errors > 0 || (strict && warnings > 0) ? ExitCode.FINDINGS : ExitCode.OK;
    }

    /** What a check without options finds. */
    public static List<Finding> findings(Cli cli, Node node) {
        return findings(cli, node, new ConfigChecks(cli, cli.globals().config(), null), new HostChecks(cli));
    }

    private static List<Finding> findings(Cli cli, Node node, ConfigChecks config, HostChecks host) {
        // First: afterwards we ourselves may be taken for one who is connected to a container.
        var out = new ArrayList<>(Bridges.findings(cli));
        out.addAll(new TaskChecks(cli).of(node));
        out.addAll(config.all());
        out.addAll(host.all());
        return out;
    }

    private static String count(int many, String what) {
        return (many == 0 ? "no" : many) + " " + what + (many == 1 ? "" : "s");
    }
}
