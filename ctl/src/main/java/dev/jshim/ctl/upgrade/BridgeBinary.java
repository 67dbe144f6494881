package dev.jshim.ctl.upgrade;

import dev.jshim.bridge.serve.BridgeFlags;
import dev.jshim.ctl.cli.CliException;
import dev.jshim.ctl.cli.Privileges;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Where the program of the bridge is: in the tree that this jshimctl is of. */
final class BridgeBinary {
    /** Where this tree is; set by the launcher. */
    private static final String HOME_PROPERTY = "jshim.home";

    private static final String HOME_VARIABLE = "JSHIM_HOME";

    private static final Path BINARY = Path.of("bin/containerd-shim-v1-linux");

    private BridgeBinary() {}

    /** Null if this is no tree. */
    static @Nullable Path find() {
        var home = System.getProperty(HOME_PROPERTY, System.getenv(HOME_VARIABLE));
        if (home == null || home.isEmpty()) {
            return null;
        }
        try {
            return in(Path.of(home));
        } catch (IOException e) {
            return null;
        }
    }

    /**
     * The program under the name by which it is found after an upgrade too. That goes into bundles and into the command
     * line of what starts a bridge again, and both outlive the tree that wrote them.
     */
    static Path in(Path home) throws IOException {
        return BridgeFlags.program(BridgeFlags.lasting(home));
    }

    /** The program, for root, who alone may use it. */
    static Path forChanges() {
        if (!Privileges.isRoot()) {
            throw CliException.failed("this command changes the node and needs root", "run jshimctl as root");
        }
        var binary = find();
        if (binary == null || !Files.isExecutable(binary)) {
            throw CliException.failed(
                    "the bridge " + (binary == null ? BINARY : binary) + " does not exist",
                    "run jshimctl from an installed tree, or set " + HOME_VARIABLE + " to one");
        }
        return binary;
    }
}
