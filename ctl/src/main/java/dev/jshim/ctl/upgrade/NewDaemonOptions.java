package dev.jshim.ctl.upgrade;

import dev.jshim.ctl.cli.Cli;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What is known of the containerd 2.x that is to come: it decides how the configuration will be read. */
final class NewDaemonOptions {
    @Option(
            names = "--new-containerd",
            paramLabel = "FILE",
            description = "program of the new containerd 2.x; its \"config migrate\", which changes nothing, checks the"
                    + " configuration")
    private @Nullable Path program;

    @Option(
            names = "--new-config",
            paramLabel = "FILE",
            description = "its config.toml (default: that of the old containerd)")
    private @Nullable Path config;

    /**
     * What it will make of the configuration.
     *
     * @param files those of the old containerd; with none, and none named, nothing is said
     */
    List<Finding> findings(Cli cli, List<Path> files) {
        var file = config != null ? config : files.isEmpty() ? null : files.getFirst();
        if (file == null) {
            return program == null
                    ? List.of()
                    : List.of(Finding.error(
                            "config",
                            "the config.toml of the new containerd is unknown",
                            "its settings cannot be checked",
                            "name it with --new-config"));
        }
        return new ConfigChecks(cli, file, program).named();
    }
}
