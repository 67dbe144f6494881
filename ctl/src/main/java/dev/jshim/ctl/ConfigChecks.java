package dev.jshim.ctl;

import dev.jshim.node.DaemonConfig;
import dev.jshim.node.DaemonConfigReader;
import dev.jshim.node.DaemonProcess;
import dev.jshim.node.DroppedKeys;
import dev.jshim.node.ProcFs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What {@code check} finds in containerd's configuration. */
final class ConfigChecks {
    private final @Nullable Path given;
    private final Path address;

    /** @param given null to take the file of the containerd that listens at the address, else the default one */
    ConfigChecks(@Nullable Path given, Path address) {
        this.given = given;
        this.address = address;
    }

    /** The file that is looked at, whether it exists or not. */
    Path file() {
        var named = given;
        if (named != null) {
            return named;
        }
        for (var daemon : DaemonProcess.all(ProcFs.system())) {
            if (listens(daemon)) {
                return daemon.config();
            }
        }
        return DaemonConfig.DEFAULT_FILE;
    }

    private boolean listens(DaemonProcess daemon) {
        try {
            return daemon.settings().grpcSocket().equals(address);
        } catch (IOException e) {
            return false;
        }
    }

    List<Finding> all() {
        var out = new ArrayList<Finding>();
        var file = file();
        if (!Files.exists(file)) {
            return out;
        }
        try {
            for (var each : DaemonConfigReader.read(file).files()) {
                for (var key : DroppedKeys.of(each)) {
                    out.add(new Finding(key.fatal(), "config", key.where() + ": " + key.key(), key.why(), key.todo()));
                }
            }
        } catch (IOException e) {
            out.add(Finding.error(
                    "config",
                    String.valueOf(e.getMessage()),
                    "containerd does not start with a file that it cannot read",
                    "mend the file"));
        }
        return out;
    }
}
