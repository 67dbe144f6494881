package dev.jshim.ctl.upgrade;

import dev.jshim.bridge.migrate.Status;
import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.output.Fields;
import dev.jshim.ctl.output.Json;
import dev.jshim.ctl.output.Table;
import dev.jshim.ctl.output.TaskFields;
import java.util.ArrayList;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

@Command(
        name = "status",
        description = "Show whether the bridge runs and the state of the adopted containers; changes nothing.",
        footer = {
            "",
            "Reads: the added bundles. Asks: the bridge and each v1 shim. Changes: nothing, so there is nothing to undo.",
            "Exits with 3 if something is wrong. verify also compares with containerd."
        })
final class MigrateStatusCommand implements Callable<Integer> {
    private final Cli cli;

    MigrateStatusCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        var status = Migrations.looking(cli).status();
        write(cli, status);
        var good = status.rows().stream().allMatch(row -> row.reason().isEmpty());
        return good && (status.bridgeRunning() || status.rows().isEmpty()) ? ExitCode.OK : ExitCode.FINDINGS;
    }

    static void write(Cli cli, Status status) {
        if (cli.globals().isJson()) {
            json(cli, status);
            return;
        }
        cli.out().println(status.bridgeRunning() ? "bridge: pid " + status.bridgePid() : "bridge: not running");
        var table = new Table("NAMESPACE", "ID", "PID", "SHIM", "ANSWERS", "STATE", "REASON");
        for (var row : status.rows()) {
            table.row(
                    row.task().namespace(),
                    row.task().id(),
                    TaskFields.known(row.pid()),
                    row.shimPid() + (row.shimAlive() ? "" : " (gone)"),
                    row.answers() ? "yes" : "no",
                    row.state(),
                    row.reason());
        }
        table.write(cli.out());
    }

    private static void json(Cli cli, Status status) {
        var rows = new ArrayList<Fields>();
        for (var row : status.rows()) {
            rows.add(new Fields()
                    .with("namespace", row.task().namespace())
                    .with("id", row.task().id())
                    .with("pid", TaskFields.known(row.pid()))
                    .with("shimPid", TaskFields.known(row.shimPid()))
                    .with("answers", row.answers())
                    .with("state", row.state())
                    .with("shimAlive", row.shimAlive())
                    .with("reason", TaskFields.known(row.reason())));
        }
        Json.write(
                cli.out(),
                new Fields()
                        .with("bridgeRunning", status.bridgeRunning())
                        .with("bridgePid", TaskFields.known(status.bridgePid()))
                        .with("containers", rows));
    }
}
