package dev.jshim.ctl;

import dev.jshim.ctl.cli.Globals;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "jshimctl",
        description =
                "Inspect and manage the shims of a containerd node, with the v1 or the v2 API, whether containerd is up or down.",
        synopsisSubcommandLabel = "COMMAND",
        subcommandsRepeatable = false)
final class Jshimctl {
    @Mixin
    private final Globals globals;

    Jshimctl(Globals globals) {
        this.globals = globals;
    }

    Globals globals() {
        return globals;
    }
}
