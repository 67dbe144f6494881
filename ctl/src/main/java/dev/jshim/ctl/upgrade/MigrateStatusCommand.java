package dev.jshim.ctl.upgrade;

import dev.jshim.bridge.migrate.Status;
import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.cli.Listing;
import dev.jshim.ctl.cli.Lists;
import dev.jshim.ctl.output.Fields;
import dev.jshim.ctl.output.TaskFields;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;

@Command(
        name = "status",
        description = "Show whether the bridge runs and the state of the adopted containers; changes nothing.",
        footer = {
            "",
            "Reads: the added bundles. Asks: the bridge and each v1 shim. Changes: nothing, so there is nothing to undo.",
            "Exits with 3 if something is wrong. verify also compares with containerd."
        })
final class MigrateStatusCommand implements Callable<Integer>, Lists {
    private static final Listing LISTING = new Listing()
            .column("NAMESPACE", "namespace")
            .column("ID", "id")
            .column("PID", "pid")
            .column("SHIM", MigrateStatusCommand::shim)
            .column("ANSWERS", "answers")
            .column("STATE", "state")
            .column("REASON", "reason")
            .besides("shimPid", "shimAlive")
            .named(TaskFields::name);

    private final Cli cli;

    MigrateStatusCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Listing listing() {
        return LISTING;
    }

    @Override
    public Integer call() {
        var status = Migrations.looking(cli).status();
        write(cli, status);
        var good = status.rows().stream().allMatch(row -> row.reason().isEmpty());
        return good && (status.bridgeRunning() || status.rows().isEmpty()) ? ExitCode.OK : ExitCode.FINDINGS;
    }

    static void write(Cli cli, Status status) {
        var rows = status.rows().stream().map(MigrateStatusCommand::fields).toList();
        var fields = new Fields()
                .with("bridgeRunning", status.bridgeRunning())
                .with("bridgePid", TaskFields.known(status.bridgePid()))
                .with("containers", rows);
        cli.show(fields, () -> {
            if (cli.globals().isTable()) {
                cli.out().println(status.bridgeRunning() ? "bridge: pid " + status.bridgePid() : "bridge: not running");
            }
            LISTING.write(cli, rows);
        });
    }

    private static @Nullable String shim(Fields row) {
        var pid = row.get("shimPid");
        return pid == null ? null : pid + (Boolean.TRUE.equals(row.get("shimAlive")) ? "" : " (gone)");
    }

    private static Fields fields(Status.Row row) {
        return new Fields()
                .with("namespace", row.task().namespace())
                .with("id", row.task().id())
                .with("pid", TaskFields.known(row.pid()))
                .with("shimPid", TaskFields.known(row.shimPid()))
                .with("answers", row.answers())
                .with("state", row.state())
                .with("shimAlive", row.shimAlive())
                .with("reason", TaskFields.known(row.reason()));
    }
}
