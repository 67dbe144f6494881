package dev.jshim.ctl.cli;

import picocli.CommandLine.Option;

/** {@code --exec}: an exec of the container in place of its init. */
public final class ExecOption {
    @Option(
            names = "--exec",
            paramLabel = "EXEC",
            description = "the exec with this id instead of the container's init (\"jshimctl pids\" shows the ids)")
    private String execId = "";

    /** Empty for init. */
    public String id() {
        return execId;
    }
}
