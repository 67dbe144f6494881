package dev.jshim.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The environment of a daemon and all it starts: where programs are found, and variables. Used by one thread. */
final class DaemonEnvironment {
    private final Path dir;
    private final Map<String, String> variables = new HashMap<>();
    private Engine engine = Engine.RUNC;
    private @Nullable Path tools;
    private final List<Path> preferred = new ArrayList<>();
    private List<String> wrapper = List.of();

    /** @param dir the daemon's folder */
    DaemonEnvironment(Path dir) {
        this.dir = dir;
    }

    /** Names what is found as runc. To be called once, before the first start. */
    void use(Engine engine) throws IOException {
        engine.install(dir);
        this.engine = engine;
    }

    void set(String name, String value) {
        variables.put(name, value);
    }

    /** From now on programs of this folder are found before those of the system. */
    void prefer(Path folder) {
        preferred.add(folder);
    }

    /** From now on a daemon is started by this program, which becomes the daemon. */
    void wrap(List<String> program) {
        wrapper = List.copyOf(program);
    }

    /** From now on every program of the system is found but this one. */
    void hide(String program, Release release) throws IOException {
        Path farm = Files.createDirectory(dir.resolve("tools"));
        List<Path> folders = new ArrayList<>(engine.folders(dir));
        folders.addAll(List.of(release.folder(), Path.of("/usr/sbin"), Path.of("/usr/bin")));
        for (Path folder : folders) {
            try (Stream<Path> files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    Path link = farm.resolve(file.getFileName());
                    if (!link.endsWith(program) && Files.notExists(link, LinkOption.NOFOLLOW_LINKS)) {
                        Files.createSymbolicLink(link, file);
                    }
                }
            }
        }
        tools = farm;
    }

    private static final String GRACE = "-Djshim.grace=3";

    /** A daemon that is yet to be started; the process that is started becomes the daemon. */
    ProcessBuilder builder(Release release, List<String> command) {
        List<String> wrapped = new ArrayList<>(wrapper);
        wrapped.addAll(engine.daemon(command));
        ProcessBuilder builder = new ProcessBuilder(wrapped).directory(dir.toFile());
        builder.environment().clear();
        builder.environment().putAll(Run.environment(path(release)));
        builder.environment().putAll(variables);
        // Each test waits for the end of its shims. The last of two counts.
        builder.environment().merge("JSHIM_JAVA_OPTS", GRACE, (given, grace) -> grace + " " + given);
        if (tools != null) {
            builder.environment().put("PATH", (Product.present() ? Product.bin() + ":" : "") + tools);
        }
        return builder;
    }

    /** The product first, then what is found as runc, then the version's own shims; then the system. */
    private List<Path> path(Release release) {
        List<Path> first = new ArrayList<>();
        if (Product.present()) {
            first.add(Product.bin());
        }
        first.addAll(engine.folders(dir));
        first.addAll(preferred);
        first.add(release.folder());
        return first;
    }

    /** Writes the configuration of our shims, and makes them read it. */
    Path configure(String toml) {
        Path config = dir.resolve("jshim.toml");
        try {
            Files.writeString(config, toml);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        set("JSHIM_CONFIG", config.toString());
        return config;
    }
}
