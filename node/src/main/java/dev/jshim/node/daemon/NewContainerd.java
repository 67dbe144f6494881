package dev.jshim.node.daemon;

import dev.jshim.node.process.ProgramRun;
import dev.jshim.task.Printable;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.tomlj.Toml;
import org.tomlj.TomlTable;

/**
 * The program of a containerd 2.x that does not run yet. It is asked what it makes of a configuration by
 * {@code containerd config migrate}, which writes what it understood to its standard output and changes nothing
 * (v2.1.9; it takes in what the file imports, too).
 *
 * @param program the path of its program
 */
public record NewContainerd(Path program) {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final Pattern VERSION = Pattern.compile("containerd \\S+ v?(\\d+)\\.");
    private static final Pattern IGNORED =
            Pattern.compile("msg=\"Ignoring unknown key in TOML.*?\\bkey=(?:\"([^\"]*)\"|(\\S+))(.*)");
    private static final Pattern PLUGIN = Pattern.compile("\\bplugin=(\\S+)");

    /**
     * What it understood.
     *
     * @param handlers of CRI
     * @param ignored what it passes over
     * @param unknown sections of plugins that it does not have, or that take no settings
     */
    record Understood(RuntimeHandlers handlers, List<Ignored> ignored, Set<String> unknown) {
        Understood {
            ignored = List.copyOf(ignored);
            unknown = Set.copyOf(unknown);
        }
    }

    /**
     * A key that it passes over.
     *
     * @param plugin empty for one that belongs to none
     * @param path below the plugin's table
     */
    record Ignored(String plugin, List<String> path) {
        Ignored {
            path = List.copyOf(path);
        }
    }

    /**
     * Asks it.
     *
     * @throws IOException a line that says why it cannot be asked, or what it says against the file
     */
    Understood understand(Path config) throws IOException {
        requireNew();
        var migrated = run("--config", config.toString(), "config", "migrate");
        var known = plugins(parse(run("config", "default").out()));
        var toml = parse(migrated.out());
        Set<String> unknown = new HashSet<>(plugins(toml));
        unknown.removeAll(known);
        return new Understood(RuntimeHandlers.of(List.of(toml)), ignored(migrated.err()), unknown);
    }

    /** So that no other program is run with anything but {@code --version}. */
    private void requireNew() throws IOException {
        var said = run("--version").out().strip();
        var version = VERSION.matcher(said);
        if (!version.lookingAt()) {
            throw new IOException(program + " is not containerd: it prints " + Printable.of(said));
        }
        if (Integer.parseInt(version.group(1)) < 2) {
            throw new IOException(program + " is not containerd 2.x: it prints " + Printable.of(said));
        }
    }

    private ProgramRun run(String... args) throws IOException {
        List<String> command = new ArrayList<>(List.of(program.toString()));
        command.addAll(List.of(args));
        ProgramRun run;
        try {
            run = ProgramRun.of(command, LIMIT);
        } catch (IOException e) {
            throw new IOException(program + " " + e.getMessage(), e);
        }
        if (run.code() != 0) {
            throw new IOException(program + " says: " + Printable.of(run.lastLine()));
        }
        return run;
    }

    private TomlTable parse(String text) throws IOException {
        var toml = Toml.parse(text);
        if (toml.hasErrors()) {
            throw new IOException("the output of " + program + " cannot be read: "
                    + Printable.of(String.valueOf(toml.errors().getFirst().getMessage())));
        }
        return toml;
    }

    private static Set<String> plugins(TomlTable toml) {
        var plugins = toml.getTable("plugins");
        return plugins == null ? Set.of() : plugins.keySet();
    }

    static List<Ignored> ignored(String log) {
        List<Ignored> ignored = new ArrayList<>();
        for (var line : log.lines().toList()) {
            var key = IGNORED.matcher(line);
            if (key.find()) {
                var path = key.group(1) == null ? key.group(2) : key.group(1);
                var plugin = PLUGIN.matcher(key.group(3));
                ignored.add(new Ignored(plugin.find() ? plugin.group(1) : "", List.of(path.split(" ", -1))));
            }
        }
        return ignored;
    }
}
