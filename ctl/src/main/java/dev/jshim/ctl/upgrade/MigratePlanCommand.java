package dev.jshim.ctl.upgrade;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.Listing;
import dev.jshim.ctl.cli.Lists;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "plan",
        description = "Show each v1 container and what apply would do with it; changes nothing.",
        footer = {
            "",
            "Reads: the v1 bundles, /proc, memory and disk, the KillMode of the shims' systemd units, containerd's",
            "config.toml. Asks: each v1 shim, containerd, a dockerd that uses it, the program of --new-containerd.",
            "Changes: nothing, so there is nothing to undo.",
            "Exits with 3 if apply would refuse a container, or refuse to do anything at all; if a live process has no",
            "bundle; or if containerd 2.x will fail in something because of its configuration."
        })
final class MigratePlanCommand implements Callable<Integer>, Lists {
    private final Cli cli;

    @Mixin
    private final NewDaemonOptions newDaemon = new NewDaemonOptions();

    MigratePlanCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Listing listing() {
        return Migrations.PLAN;
    }

    @Override
    public Integer call() {
        return Migrations.plan(cli, newDaemon);
    }
}
