package dev.jshim.ctl.upgrade;

import dev.jshim.ctl.cli.Cli;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "plan",
        description = "Show each v1 container and what would be done with it; changes nothing.",
        footer = {
            "",
            "Reads: the v1 bundles, /proc, memory and disk, the KillMode of the shims' systemd units, containerd's",
            "config.toml, and asks each v1 shim, containerd, a dockerd that uses it, and the program of",
            "--new-containerd. Changes: nothing, so there is nothing to undo.",
            "Ends with 3 where apply would refuse a container, or to do anything at all, or something lives that has",
            "no bundle, or containerd 2.x will fail in something because of its configuration."
        })
final class MigratePlanCommand implements Callable<Integer> {
    private final Cli cli;

    @Mixin
    private final NewDaemonOptions newDaemon = new NewDaemonOptions();

    MigratePlanCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        return Migrations.plan(cli, newDaemon);
    }
}
