package dev.jshim.ctl.metrics;

import dev.jshim.ctl.cli.AgeOption;
import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.CliException;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.leftover.Leftovers;
import dev.jshim.ctl.upgrade.Bridges;
import dev.jshim.ctl.upgrade.CheckCommand;
import dev.jshim.ctl.upgrade.Finding;
import dev.jshim.node.survey.Node;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "metrics",
        description = "Print the metrics of this node in Prometheus' text format.",
        footer = {
            "",
            "It changes nothing but FILE, which it replaces as a whole. Everybody can read FILE. Its name must end in",
            ".prom for node_exporter's textfile collector (--collector.textfile.directory). The package has a",
            "timer for it: \"systemctl enable --now jshim-metrics.timer\". Exits with 3 if it could not",
            "read a directory of containerd's; it still writes the rest. docs/metrics.md explains each metric.",
            "",
            "Examples:",
            "  jshimctl metrics",
            "  jshimctl metrics --check --textfile /var/lib/prometheus/node-exporter/jshim.prom"
        })
public final class MetricsCommand implements Callable<Integer> {
    private static final String SUFFIX = ".prom";
    private static final double NANOS = 1e9;

    private final Cli cli;
    private final String version;

    @Mixin
    private final AgeOption age = new AgeOption();

    @Option(names = "--textfile", paramLabel = "FILE", description = "write to this file instead of stdout")
    private @Nullable Path file;

    @Option(names = "--check", description = "also count the findings of \"jshimctl check\"")
    private boolean check;

    /** @param version of jshim */
    public MetricsCommand(Cli cli, String version) {
        this.cli = cli;
        this.version = version;
    }

    @Override
    public Integer call() {
        if (!cli.globals().isTable()) {
            throw CliException.usage("metrics have only one format, that of Prometheus", "leave -o out");
        }
        var target = file;
        if (target != null) {
            requireFile(target);
        }
        var begin = System.nanoTime();
        var metrics = new NodeMetrics(version, cli.proc());
        var node = look(metrics);
        metrics.took((System.nanoTime() - begin) / NANOS);
        if (target == null) {
            cli.out().print(metrics.text());
        } else {
            write(target, metrics.text());
        }
        node.problems().forEach(cli::note);
        return node.problems().isEmpty() ? ExitCode.OK : ExitCode.FINDINGS;
    }

    private Node look(NodeMetrics metrics) {
        var reader = cli.reader();
        var node = reader.read();
        // First: afterwards we ourselves may be taken for one who is connected to a container.
        var bridge = Bridges.reading(cli);
        var unseen = bridge.unseen();
        var state = bridge.state();
        var tasks = reader.ask(node.bundles());
        metrics.tasks(tasks);
        metrics.shims(reader.shims());
        metrics.bridge(state.pid(), state.keeper(), unseen.size());
        metrics.exits(tasks, bridge.unreported());
        metrics.leftovers(Leftovers.of(cli, age.age()));
        metrics.problems(node.problems().size());
        if (check) {
            var findings = CheckCommand.findings(cli, node);
            var errors = (int) findings.stream().filter(Finding::isError).count();
            metrics.findings(errors, findings.size() - errors);
        }
        return node;
    }

    /** Before the node is looked at, which takes a while. */
    private static void requireFile(Path file) {
        if (!file.toString().endsWith(SUFFIX)) {
            throw CliException.usage(
                    "node_exporter ignores a file whose name does not end in " + SUFFIX,
                    "give --textfile a name such as jshim" + SUFFIX);
        }
        var folder = file.toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            throw CliException.failed(
                    "no such directory: " + folder,
                    "give the one that node_exporter's --collector.textfile.directory names");
        }
    }

    private static void write(Path file, String text) {
        try {
            TextFile.write(file, text);
        } catch (IOException e) {
            throw CliException.failed("cannot write " + file + ": " + e.getMessage(), "");
        }
    }
}
