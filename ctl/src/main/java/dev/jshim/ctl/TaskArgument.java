package dev.jshim.ctl;

import picocli.CommandLine.Parameters;

/** The one task that a command is about. */
final class TaskArgument {
    @Parameters(paramLabel = "ID", description = "the container's id, or a beginning of it that only one has")
    private String id = "";

    String id() {
        return id;
    }
}
