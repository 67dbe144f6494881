package dev.jshim.ctl.upgrade;

import dev.jshim.ctl.cli.Cli;
import dev.jshim.node.daemon.ConfigForecast;
import dev.jshim.node.daemon.ContainerdClient;
import dev.jshim.node.daemon.DaemonConfig;
import dev.jshim.node.daemon.DaemonProcess;
import dev.jshim.node.daemon.PodHandler;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What {@code check} and {@code migrate plan} find in containerd's configuration. */
final class ConfigChecks {
    private final Cli cli;
    private final @Nullable Path given;
    private final @Nullable Path program;

    /**
     * Checks of one file.
     *
     * @param given null to take the file of the containerd of the root directory, or that is said to listen at the
     *     address; else the default one
     * @param program of the containerd 2.x that is to come; null if it is not at hand
     */
    ConfigChecks(Cli cli, @Nullable Path given, @Nullable Path program) {
        this.cli = cli;
        this.given = given;
        this.program = program;
    }

    /** The file that is looked at, whether it exists or not. */
    Path file() {
        var named = given;
        if (named != null) {
            return named;
        }
        for (var daemon : DaemonProcess.all(cli.proc())) {
            if (daemon.hasRoot(cli.globals().paths().root()) || listens(daemon)) {
                return daemon.config();
            }
        }
        return DaemonConfig.DEFAULT_FILE;
    }

    private boolean listens(DaemonProcess daemon) {
        try {
            return daemon.settings().grpcSocket().equals(cli.globals().address());
        } catch (IOException e) {
            return false;
        }
    }

    /** All of it; none if there is no file. */
    List<Finding> all() {
        var file = file();
        return Files.exists(file) ? of(file) : List.of();
    }

    /** As {@link #all}, but that the file is not there is a finding, too. */
    List<Finding> named() {
        return of(file());
    }

    private List<Finding> of(Path file) {
        var out = new ArrayList<Finding>();
        try {
            for (var found : ConfigForecast.of(file, program, pods())) {
                out.add(new Finding(
                        found.fatal(), "config", found.where() + ": " + found.key(), found.why(), found.todo()));
            }
        } catch (NoSuchFileException e) {
            out.add(Finding.error(
                    "config",
                    "cannot find " + file,
                    "its settings cannot be checked",
                    "name another file with --config"));
        } catch (IOException e) {
            out.add(Finding.error(
                    "config",
                    String.valueOf(e.getMessage()),
                    "containerd 2.x may not start with " + file + ", or ignore parts of it",
                    "fix what is named"));
        }
        return out;
    }

    /** Without an answer nothing is known of pods: most containerds have none. */
    private List<PodHandler> pods() {
        try (var containerd =
                new ContainerdClient(cli.globals().address(), cli.globals().timeout())) {
            var pods = PodHandler.of(containerd).orNull();
            return pods == null ? List.of() : pods;
        }
    }
}
