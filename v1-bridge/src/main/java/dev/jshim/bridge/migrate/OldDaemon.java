package dev.jshim.bridge.migrate;

import dev.jshim.bridge.journal.JournalEntry;
import dev.jshim.bridge.journal.JournalEntry.Step;
import dev.jshim.bridge.journal.OldRuntime;
import dev.jshim.node.NodePaths;
import dev.jshim.node.daemon.DaemonConfig;
import dev.jshim.node.daemon.DaemonConfigReader;
import dev.jshim.node.daemon.DaemonProcess;
import dev.jshim.node.process.ProcFs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds out what the containerd of a root and state directory was told: by the file that somebody names, else by the
 * one that the running daemon reads, else by the default file where that is for these directories.
 */
public final class OldDaemon {
    private final NodePaths paths;
    private final ProcFs proc;
    private final Path defaultFile;

    /** Looks at this machine. */
    public OldDaemon(NodePaths paths) {
        this(paths, ProcFs.system(), DaemonConfig.DEFAULT_FILE);
    }

    OldDaemon(NodePaths paths, ProcFs proc, Path defaultFile) {
        this.paths = paths;
        this.proc = proc;
        this.defaultFile = defaultFile;
    }

    /**
     * What it was told; the defaults where nothing is found.
     *
     * @param file the file that somebody names, null for none
     * @throws IOException for a file that is broken, or was named and is not there: a line that says what to do
     */
    public DaemonConfig find(@Nullable Path file) throws IOException {
        if (file != null) {
            try {
                return DaemonConfigReader.read(file);
            } catch (NoSuchFileException e) {
                throw new IOException(file + ": no such file; name containerd's config.toml with --config", e);
            }
        }
        var running = running();
        if (running != null) {
            return running;
        }
        if (Files.exists(defaultFile)) {
            try {
                var config = DaemonConfigReader.read(defaultFile);
                return config.paths().equals(paths) ? config : DaemonConfig.DEFAULTS;
            } catch (IOException | IllegalArgumentException e) {
                if (paths.equals(NodePaths.defaults())) {
                    throw withHint(String.valueOf(e.getMessage()), e);
                }
            }
        }
        return DaemonConfig.DEFAULTS;
    }

    private @Nullable DaemonConfig running() throws IOException {
        for (var daemon : DaemonProcess.all(proc)) {
            var isOurs = daemon.hasRoot(paths.root());
            if (isOurs || (daemon.held() == null && mayBeOurs(daemon))) {
                try {
                    var config = daemon.settings();
                    if (isOurs || config.paths().equals(paths)) {
                        return config;
                    }
                } catch (IOException | IllegalArgumentException e) {
                    if (isOurs || !daemon.state().isEmpty() || paths.equals(NodePaths.defaults())) {
                        throw withHint("of containerd, pid " + daemon.process().pid() + ": " + e.getMessage(), e);
                    }
                }
            }
        }
        return null;
    }

    private boolean mayBeOurs(DaemonProcess daemon) {
        return !isOthers(daemon.root(), paths.root()) && !isOthers(daemon.state(), paths.state());
    }

    private static boolean isOthers(String flag, Path ours) {
        return !flag.isEmpty() && !ours.equals(Path.of(flag).normalize());
    }

    private static IOException withHint(String what, Exception cause) {
        return new IOException("the configuration " + what + "; fix it, or name another file with --config", cause);
    }

    /**
     * What of it the v1 runtime needs, with what the journal of an earlier adoption knows where it says nothing: the
     * section is gone once the file is one of containerd 2.x.
     */
    static JournalEntry entry(DaemonConfig config, List<JournalEntry> journal) {
        var before = OldRuntime.daemon(journal);
        if (config.runtime().isEmpty() && config.runtimeRoot().isEmpty() && before != null) {
            return before;
        }
        var file = config.files().isEmpty() ? "" : config.files().getFirst().toString();
        return JournalEntry.of(Step.OLD_DAEMON, file, config.runtime(), config.runtimeRoot());
    }
}
