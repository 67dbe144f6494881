package dev.jshim.ctl.cli;

import dev.jshim.bridge.migrate.OldDaemon;
import dev.jshim.ctl.output.OutputFormat;
import dev.jshim.node.NodePaths;
import dev.jshim.node.daemon.DaemonConfig;
import dev.jshim.node.daemon.DaemonSearch;
import dev.jshim.node.daemon.RootDaemon;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** The options that every command takes, before its name or after. */
public final class Globals {
    /** Those that have a value, which stands behind them or after a {@code =}. */
    public static final Set<String> WITH_VALUE =
            Set.of("--config", "--root", "--state", "--address", "-n", "--namespace", "-o", "--output", "--timeout");

    @Option(
            names = "--config",
            scope = ScopeType.INHERIT,
            paramLabel = "FILE",
            description =
                    "containerd's config.toml, for root, state and address (default: that of the running containerd;"
                            + " if several run, of the one in the default directories)")
    private @Nullable Path config;

    private @Nullable DaemonConfig read;
    private @Nullable Path asked;
    private boolean isTolerant;
    private Consumer<String> onFound = found -> {};

    @Option(
            names = "--root",
            scope = ScopeType.INHERIT,
            paramLabel = "DIR",
            description = "containerd's root directory (default: as for --config, else /var/lib/containerd)")
    private @Nullable Path root;

    @Option(
            names = "--state",
            scope = ScopeType.INHERIT,
            paramLabel = "DIR",
            description = "containerd's state directory (default: as for --config, else /run/containerd)")
    private @Nullable Path state;

    @Option(
            names = "--address",
            scope = ScopeType.INHERIT,
            paramLabel = "SOCKET",
            description =
                    "containerd's own socket (default: the one on which the containerd of the root directory listens; if"
                            + " none runs, as for --config, else containerd.sock in the state directory)")
    private @Nullable Path address;

    @Option(
            names = {"-n", "--namespace"},
            scope = ScopeType.INHERIT,
            paramLabel = "NAME",
            description = "only this containerd namespace (default: all)")
    private @Nullable String namespace;

    @Option(
            names = {"-o", "--output"},
            scope = ScopeType.INHERIT,
            paramLabel = "FORMAT",
            converter = OutputConverter.class,
            completionCandidates = OutputConverter.class,
            description =
                    "output format: table, wide, json, yaml, jsonpath=TEMPLATE as in kubectl; for a list also name or"
                            + " custom-columns=HEADING:field[,HEADING:field] with the fields of JSON (default: table)")
    private OutputFormat output = OutputFormat.TABLE;

    @Option(
            names = "--timeout",
            scope = ScopeType.INHERIT,
            paramLabel = "TIME",
            converter = DurationConverter.class,
            description = "time limit for each shim's answer: 500ms, 5s, 2m (default: 5s)")
    private Duration timeout = Duration.ofSeconds(5);

    @Option(
            names = "--no-trunc",
            scope = ScopeType.INHERIT,
            description = "do not cut lines to the width of the terminal")
    private boolean noTrunc;

    @Option(
            names = "--no-color",
            scope = ScopeType.INHERIT,
            description = "no colours (default if NO_COLOR is set or stdout is not a terminal)")
    private boolean noColor;

    @Option(names = "--stacktrace", scope = ScopeType.INHERIT, description = "show the stack trace of an error")
    private boolean stacktrace;

    @Option(
            names = {"-h", "--help"},
            scope = ScopeType.INHERIT,
            usageHelp = true,
            description = "show this help")
    private boolean help;

    @Option(names = "--version", versionHelp = true, description = "show the version")
    private boolean version;

    /**
     * As {@link #paths}, for what reads there: nothing is found in a directory that is not there, which would look as
     * if no task were. For the bridge they need not be: it starts before containerd, after a boot too.
     *
     * @throws CliException if one was named that is not there
     */
    public NodePaths existing() {
        requireDirectory("--root", root);
        requireDirectory("--state", state);
        return paths();
    }

    private static void requireDirectory(String option, @Nullable Path named) {
        if (named != null && (Files.notExists(named) || Files.isRegularFile(named))) {
            throw CliException.usage(
                    option + " " + named + ": no such directory",
                    "give the directory of your containerd, or leave " + option
                            + " out to use that of the running one");
        }
    }

    public NodePaths paths() {
        var defaults = daemon().paths();
        var givenRoot = root;
        var givenState = state;
        return new NodePaths(
                givenRoot == null ? defaults.root() : givenRoot.toAbsolutePath(),
                givenState == null ? defaults.state() : givenState.toAbsolutePath());
    }

    /** Where containerd is asked: the option, else where the daemon of the root really listens, else what is said. */
    public Path address() {
        var known = asked;
        if (known == null) {
            known = address == null ? live(daemon()) : address.toAbsolutePath();
            asked = known;
        }
        return known;
    }

    /**
     * Where containerd is to be from now on: the option, else what a configuration that was named says, else as
     * {@link #address()}, unless that leads there through the process that listens now.
     *
     * @param daemon the configuration of the containerd of these directories
     */
    public Path address(DaemonConfig daemon) {
        if (address != null) {
            return address.toAbsolutePath();
        }
        var live = config == null ? live(daemon) : said(daemon);
        return live.startsWith("/proc") ? said(daemon) : live;
    }

    private Path live(DaemonConfig daemon) {
        var said = said(daemon);
        var socket = new RootDaemon(paths().root(), said, timeout).socket();
        return socket == null ? said : socket;
    }

    /** If nothing is known of a daemon it is not containerd's own default, which is fixed. */
    private Path said(DaemonConfig daemon) {
        return daemon.equals(DaemonConfig.DEFAULTS) ? paths().state().resolve("containerd.sock") : daemon.grpcSocket();
    }

    /** containerd's configuration that was named; null for none. */
    @Nullable
    public Path config() {
        return config;
    }

    /** What is named, or what is found if nothing is; looked for once. */
    private DaemonConfig daemon() {
        var known = read;
        if (known == null) {
            known = config != null
                    ? named(config)
                    : root == null && state == null && address == null ? found() : DaemonConfig.DEFAULTS;
            read = known;
        }
        return known;
    }

    private DaemonConfig named(Path file) {
        if (!Privileges.isRoot() && !Files.isReadable(file)) {
            throw CliException.failed(
                    "cannot read " + file + ": no such file, or permission denied", "run jshimctl as root");
        }
        try {
            return new OldDaemon(NodePaths.defaults()).find(file);
        } catch (IOException e) {
            if (isTolerant && Files.exists(file)) {
                return DaemonConfig.DEFAULTS;
            }
            throw CliException.failed(e);
        }
    }

    private DaemonConfig found() {
        var found = DaemonSearch.ofThisMachine().find();
        if (!found.paths().equals(NodePaths.defaults())) {
            onFound.accept("this is the containerd with --root " + found.paths().root() + " --state "
                    + found.paths().state() + " --address " + found.grpcSocket());
        }
        return found;
    }

    /**
     * A configuration that is broken names nothing from now on instead of being an error: to say what is wrong in it.
     */
    public void tolerateBrokenConfig() {
        isTolerant = true;
    }

    /**
     * Sets who hears of a containerd that was found.
     *
     * @param listener called once, if the directories are not containerd's own defaults and nobody has named them
     */
    public void onFound(Consumer<String> listener) {
        onFound = listener;
    }

    /** Null means all. */
    @Nullable
    public String namespace() {
        return namespace;
    }

    public OutputFormat output() {
        return output;
    }

    /**
     * For a command that passes on what others write, and has no result of its own.
     *
     * @throws CliException if somebody wants it in another form
     */
    public void refuseOutput() {
        if (output.kind() != OutputFormat.Kind.TABLE) {
            throw CliException.usage("-o is for results, and this command has none of its own", "leave -o out");
        }
    }

    boolean isWide() {
        return output.kind() == OutputFormat.Kind.WIDE;
    }

    /** With all its columns or only some. */
    public boolean isTable() {
        return isWide() || output.kind() == OutputFormat.Kind.TABLE;
    }

    boolean isTruncated() {
        return !noTrunc;
    }

    boolean isColored() {
        return !noColor;
    }

    public Duration timeout() {
        return timeout;
    }

    public boolean stacktrace() {
        return stacktrace;
    }

    /** Whether only help or the version was asked for. */
    public boolean onlyTells() {
        return help || version;
    }
}
