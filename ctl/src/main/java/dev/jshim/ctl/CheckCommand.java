package dev.jshim.ctl;

import java.util.ArrayList;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

@Command(
        name = "check",
        description = "Tell whether this node is ready for containerd 2.x: each finding with why and what to do.",
        footer = {
            "",
            "It looks at tasks, sockets, containerd's config.toml, folders, disk, kernel, KillMode and crun.",
            "Ends with 0 where nothing was found, with 3 where something was. --config names another file than that of",
            "the running containerd.",
            "",
            "Examples:",
            "  jshimctl check",
            "  jshimctl check --config /etc/containerd/config.toml -o json"
        })
final class CheckCommand implements Callable<Integer> {
    private final Cli cli;

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
        var findings = new ArrayList<>(new TaskChecks(cli).of(node));
        var configChecks =
                new ConfigChecks(cli.globals().config(), cli.globals().address());
        findings.addAll(configChecks.all());
        var host = new HostChecks(cli, new LinuxHost());
        findings.addAll(host.all());
        var rows = findings.stream().map(Finding::fields).toList();
        var facts = host.facts(configChecks.file());
        cli.show(new Fields().with("facts", facts).with("findings", rows), () -> {
            Outline.write(cli.out(), facts);
            for (var finding : findings) {
                print(finding);
            }
            cli.out().println();
            cli.out().println(findings.isEmpty() ? "nothing was found" : findings.size() + " findings");
        });
        node.problems().forEach(cli::note);
        return findings.isEmpty() ? ExitCode.OK : ExitCode.FINDINGS;
    }

    private void print(Finding finding) {
        var level = finding.isError() ? "error" : "warning";
        var out = cli.out();
        out.println();
        out.println((Screen.of(cli.globals()).hasColor() ? Color.of(level) : level) + "  " + finding.topic() + ": "
                + Text.oneLine(finding.what()));
        paragraph("  why:   ", finding.why());
        paragraph("  to do: ", finding.todo());
    }

    private void paragraph(String label, String text) {
        var lines = Text.wrapped(Text.oneLine(text), Screen.of(cli.globals()).width() - label.length());
        cli.out().println(label + lines.getFirst());
        for (var line : lines.subList(1, lines.size())) {
            cli.out().println(" ".repeat(label.length()) + line);
        }
    }
}
