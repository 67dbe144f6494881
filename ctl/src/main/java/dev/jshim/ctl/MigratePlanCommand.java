package dev.jshim.ctl;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

@Command(
        name = "plan",
        description = "Show each v1 container and what would be done with it; changes nothing.",
        footer = {
            "",
            "Reads: the v1 bundles, /proc, memory and disk, the KillMode of the shims' systemd units, and asks each",
            "v1 shim and containerd. Changes: nothing.",
            "Ends with 3 where apply would refuse a container, or to do anything at all, or something lives that has",
            "no bundle."
        })
final class MigratePlanCommand implements Callable<Integer> {
    private final Cli cli;

    MigratePlanCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        var plan = Migrations.plan(cli);
        Migrations.write(cli, plan);
        var isGood = plan.problems().isEmpty()
                && plan.strays().isEmpty()
                && plan.rows().stream().noneMatch(row -> row.action().equals("refuse"));
        return isGood ? ExitCode.OK : ExitCode.FINDINGS;
    }
}
