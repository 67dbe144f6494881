package dev.jshim.ctl;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.ctl.cli.ExitCode;
import dev.jshim.ctl.output.Fields;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

@Command(name = "version", description = "Show the version of jshimctl.")
final class VersionCommand implements Callable<Integer> {
    private final Cli cli;

    VersionCommand(Cli cli) {
        this.cli = cli;
    }

    @Override
    public Integer call() {
        var java = Runtime.version().toString();
        cli.show(
                new Fields().with("version", Build.version()).with("java", java),
                () -> cli.out().println("jshimctl " + Build.version() + " (Java " + java + ")"));
        return ExitCode.OK;
    }
}
