package dev.jshim.ctl.leftover;

import dev.jshim.ctl.cli.AgeOption;
import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.cli.Listing;
import dev.jshim.ctl.cli.Lists;
import dev.jshim.ctl.output.Fields;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "bundles",
        description = "List leftovers: bundles, mounts, cgroups, runtime state, sockets, FIFOs, shims.",
        footer = {
            "",
            "Changes nothing; \"jshimctl clean\" removes leftovers. With -n, lists only what certainly belongs to that",
            "namespace; sockets and FIFOs do not show theirs. Exits with 3 if something was found.",
            "",
            "Examples:",
            "  jshimctl bundles",
            "  jshimctl bundles -n default --older-than 1s"
        })
public final class BundlesCommand implements Callable<Integer>, Lists {
    private final Cli cli;

    @Mixin
    private final AgeOption age = new AgeOption();

    public BundlesCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Listing listing() {
        return Leftovers.listing();
    }

    @Override
    public Integer call() {
        var rows = Leftovers.of(cli, age.age()).stream().map(Leftovers::fields).toList();
        cli.show(new Fields().with("leftovers", rows), () -> listing().write(cli, rows));
        return rows.isEmpty() ? ExitCode.OK : ExitCode.FINDINGS;
    }
}
