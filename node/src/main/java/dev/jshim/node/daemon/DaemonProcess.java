package dev.jshim.node.daemon;

import dev.jshim.node.process.ProcFs;
import dev.jshim.node.process.ProcessFacts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A containerd that runs, by its command line (v1.6.20, cmd/containerd/command/main.go; the same flags in 2.x).
 *
 * @param held the root whose metadata it has, whatever flags and file say; null if that is not known
 * @param config the file that it reads, which need not exist
 * @param root empty if no flag says so, as the two after it
 */
public record DaemonProcess(
        ProcessFacts process, @Nullable Path held, Path config, String root, String state, String address) {
    private static final Set<String> PROGRAMS = Set.of("containerd", "docker-containerd");
    private static final Set<String> COMMANDS =
            Set.of("config", "publish", "oci-hook", "help", "h", "-h", "--help", "-v", "--version");
    private static final Set<String> WITH_VALUE =
            Set.of("-config", "-c", "-log-level", "-l", "-address", "-a", "-root", "-state", "-service-name");

    /**
     * All that run, whatever their programs are called, but those in containers: their files and directories are not
     * this machine's.
     */
    public static List<DaemonProcess> all(ProcFs proc) {
        Map<Integer, DaemonProcess> found = new TreeMap<>();
        for (var process : proc.named(Set.of("containerd", "docker-containe"))) {
            var daemon = process.hasEnded() ? null : of(process, null, proc.cwd(process.pid()));
            if (daemon != null && !proc.isElsewhere(process.pid())) {
                found.put(process.pid(), daemon);
            }
        }
        for (var holder : new Metadata(proc).all()) {
            var pid = holder.process().pid();
            var daemon = of(holder.process(), holder.root(), proc.cwd(pid));
            if (daemon != null && !proc.isElsewhere(pid)) {
                found.put(pid, daemon);
            }
        }
        return List.copyOf(found.values());
    }

    /**
     * Reads a command line; null if it is not a daemon's.
     *
     * @param held null if it is not known what it holds
     */
    static @Nullable DaemonProcess of(ProcessFacts process, @Nullable Path held, @Nullable Path directory) {
        if (process.argv().isEmpty() || (held == null && !PROGRAMS.contains(process.program()))) {
            return null;
        }
        var argv = process.argv();
        var config = DaemonConfig.DEFAULT_FILE.toString();
        var root = "";
        var state = "";
        var address = "";
        for (var i = 1; i < argv.size(); i++) {
            var word = argv.get(i);
            if (held == null && COMMANDS.contains(word)) {
                return null;
            }
            var equals = word.indexOf('=');
            var name = word.startsWith("--") ? word.substring(1) : word;
            var flag = equals < 0 ? name : name.substring(0, name.indexOf('='));
            if (!WITH_VALUE.contains(flag) || (equals < 0 && i + 1 == argv.size())) {
                continue;
            }
            var value = equals < 0 ? argv.get(++i) : word.substring(equals + 1);
            switch (flag) {
                case "-config", "-c" -> config = value;
                case "-root" -> root = value;
                case "-state" -> state = value;
                case "-address", "-a" -> address = value;
                default -> {}
            }
        }
        try {
            var file = Path.of(config);
            return new DaemonProcess(
                    process, held, directory == null ? file : directory.resolve(file), root, state, address);
        } catch (InvalidPathException e) {
            return null;
        }
    }

    /**
     * Its configuration, from file and flags together.
     *
     * @throws IOException as {@link DaemonConfigReader#read}, but a file that is not there says nothing
     */
    public DaemonConfig settings() throws IOException {
        return truly((Files.exists(config) ? DaemonConfigReader.read(config) : DaemonConfig.DEFAULTS)
                .with(root, state, address));
    }

    /** What its command line alone says. */
    DaemonConfig flags() {
        return truly(DaemonConfig.DEFAULTS.with(root, state, address));
    }

    /** The file may have changed since it was read. */
    private DaemonConfig truly(DaemonConfig said) {
        return held == null || hasRoot(said.paths().root()) ? said : said.with(held.toString(), "", "");
    }

    /** Whether that is known to be its root, by whatever name. */
    public boolean hasRoot(Path directory) {
        var real = held;
        if (real == null) {
            return false;
        }
        try {
            return real.equals(directory) || Files.isSameFile(real, directory);
        } catch (IOException e) {
            return false;
        }
    }
}
