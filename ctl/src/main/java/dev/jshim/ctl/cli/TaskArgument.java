package dev.jshim.ctl.cli;

import picocli.CommandLine.Parameters;

/** The one task that a command is about. */
public final class TaskArgument {
    /** What an id may be, see {@link NodeReader#find}. */
    public static final String DESCRIPTION =
            "the container's id, or an unambiguous prefix of it; or POD/CONTAINER, or NAMESPACE/POD/CONTAINER with the"
                    + " namespace of Kubernetes; or a name that \"ls -o name\" prints";

    @Parameters(paramLabel = "ID", description = DESCRIPTION)
    private String id = "";

    public String id() {
        return id;
    }
}
