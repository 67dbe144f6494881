package dev.jshim.ctl;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

@Command(
        name = "plan",
        description = "Show each v1 container and what would be done with it; changes nothing.",
        footer = {"", "Ends with 3 where a container would be refused, or something lives that has no bundle."})
final class MigratePlanCommand implements Callable<Integer> {
    private final Cli cli;

    MigratePlanCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        var plan = Migrations.plan(cli);
        Migrations.write(cli, plan);
        var refused = plan.rows().stream().anyMatch(row -> row.action().equals("refuse"));
        return refused || !plan.strays().isEmpty() ? ExitCode.FINDINGS : ExitCode.OK;
    }
}
