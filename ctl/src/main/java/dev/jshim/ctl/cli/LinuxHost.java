package dev.jshim.ctl.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** This machine. */
final class LinuxHost implements Host {
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    @Override
    public String kernel() {
        return System.getProperty("os.version", "");
    }

    @Override
    public String cgroups() {
        if (Files.exists(Path.of("/sys/fs/cgroup/cgroup.controllers"))) {
            return "v2";
        }
        return Files.isDirectory(Path.of("/sys/fs/cgroup/unified")) ? "v1, hybrid" : "v1";
    }

    @Override
    public @Nullable String killMode() {
        if (!Files.isDirectory(Path.of("/run/systemd/system"))) {
            return null;
        }
        var outcome = RuntimeCall.run(
                List.of("systemctl", "show", "containerd.service", "--property=KillMode", "--value"), PATIENCE);
        return outcome.done() ? outcome.said().strip() : null;
    }

    @Override
    public @Nullable String crun() {
        var outcome = RuntimeCall.run(List.of("crun", "--version"), PATIENCE);
        return outcome.done() ? outcome.all().lines().findFirst().orElse(null) : null;
    }

    @Override
    public @Nullable Space space(Path folder) {
        try {
            var store = Files.getFileStore(folder);
            return new Space(store.getUsableSpace(), store.getTotalSpace());
        } catch (IOException e) {
            return null;
        }
    }
}
