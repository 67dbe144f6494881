package dev.jshim.ctl.cli;

import picocli.CommandLine.Parameters;

/** The one task that a command is about. */
public final class TaskArgument {
    @Parameters(paramLabel = "ID", description = "the container's id, or an unambiguous prefix of it")
    private String id = "";

    public String id() {
        return id;
    }
}
