package dev.jshim.ctl.upgrade;

import dev.jshim.bridge.migrate.RestartCommands;
import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.CliException;
import dev.jshim.ctl.cli.ExitCode;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "apply",
        description = "Start the bridge and adopt the running v1 containers; without --yes only show the plan.",
        footer = {
            "",
            "Reads: what plan reads. Changes: adds a v2 bundle for each v1 bundle, starts the bridge, writes the journal",
            "in ROOT/jshim; nothing of v1 is touched. To undo: migrate rollback.",
            "The old containerd may run. A repeated apply adds only what is new, and drops what was deleted meanwhile.",
            "Run it before a package upgrade, because its scripts restart containerd.",
            "",
            "With --restart it does the whole change: adopt, stop containerd, adopt what is new, run the command, start",
            "containerd, verify; if anything fails, stop it, roll back, run the --undo command, start the old one."
        })
final class MigrateApplyCommand implements Callable<Integer> {
    private final Cli cli;

    @Option(names = "--yes", description = "make the changes")
    private boolean yes;

    @Option(
            names = "--rebuild-journal",
            description = "set an unreadable journal aside, and rebuild it from the bundles on the node")
    private boolean rebuildJournal;

    @Option(
            names = "--restart",
            paramLabel = "CMD",
            description = "replace containerd too: CMD installs containerd 2.x in place of the old one")
    private @Nullable String restart;

    @Option(names = "--undo", paramLabel = "CMD", description = "with --restart: reinstalls the old containerd")
    private @Nullable String undo;

    @Option(
            names = "--stop",
            paramLabel = "CMD",
            description = "with --restart: stops containerd (default: ${DEFAULT-VALUE})",
            defaultValue = "systemctl stop containerd")
    private String stop = "";

    @Option(
            names = "--start",
            paramLabel = "CMD",
            description = "with --restart: starts containerd (default: ${DEFAULT-VALUE})",
            defaultValue = "systemctl start containerd")
    private String start = "";

    @Mixin
    private final NewDaemonOptions newDaemon = new NewDaemonOptions();

    MigrateApplyCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        var namespace = cli.globals().namespace();
        var change = restart;
        var back = undo;
        if (change != null && (back == null || namespace != null)) {
            throw CliException.usage(
                    namespace != null
                            ? "--restart works on all namespaces of a containerd: leave -n out"
                            : "--restart needs --undo: the command that reinstalls the old containerd if something fails",
                    namespace != null
                            ? "leave --namespace away"
                            : "such as --undo 'apt-get install --allow-downgrades -y containerd=1.6.20'");
        }
        if (change == null && back != null) {
            throw CliException.usage("--undo needs --restart", "nothing was changed");
        }
        if (!yes) {
            var _ = Migrations.plan(cli, newDaemon);
            cli.note("nothing was changed; add --yes to make the changes");
            return ExitCode.OK;
        }
        return Migrations.change(
                cli,
                migration -> change != null && back != null
                        ? migration.restart(new RestartCommands(stop, change, start, back), rebuildJournal)
                        : migration.apply(namespace, rebuildJournal));
    }
}
