package dev.jshim.ctl;

import dev.jshim.ctl.cli.Globals;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "jshimctl",
        description = "Look at the shims of a containerd node, of the v1 and the v2 API; containerd may be up or down.",
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
