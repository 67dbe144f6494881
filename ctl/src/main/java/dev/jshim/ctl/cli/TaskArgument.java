package dev.jshim.ctl.cli;

import picocli.CommandLine.Parameters;

/** The one task that a command is about. */
public final class TaskArgument {
    @Parameters(paramLabel = "ID", description = "the container's id, or a beginning of it that only one has")
    private String id = "";

    public String id() {
        return id;
    }
}
