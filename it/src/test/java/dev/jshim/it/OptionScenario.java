package dev.jshim.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A daemon whose shims have a configuration of their own, and a log of the calls of their program. */
@SuppressWarnings("NullAway.Init") // Each test calls start first.
abstract class OptionScenario extends Scenario {
    private static final String PROGRAM = "containerd-shim-v2-oci";
    private static final String[] SLEEP = {"/bin/sleep", "1000"};

    Path config;
    private Path calls;
    private Path program;

    void start(Release release, String toml) {
        start(release, toml, Duration.ofSeconds(3));
    }

    /** The same, with shims that stay for so long when nobody needs them any more. */
    void start(Release release, String toml, Duration grace) {
        node = PrivateContainerd.create(release);
        config = node.configure(toml);
        node.setVariable("JSHIM_JAVA_OPTS", "-Djshim.grace=" + grace.toSeconds());
        calls = node.dir().resolve("calls");
        program = node.dir().resolve("bin").resolve(PROGRAM);
        try {
            Files.createDirectory(program.getParent());
            Files.writeString(
                    program,
                    "#!/bin/sh\nfor last; do :; done\necho \"$last\" >>" + calls + "\nexec "
                            + Product.bin().resolve(PROGRAM) + " \"$@\"\n");
            Files.writeString(calls, "");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        program.toFile().setExecutable(true);
        node.start();
    }

    /** Starts a container in the background; returns its shim. */
    ProcessFacts sleeper(String id, String... flags) {
        run(id, flags, SLEEP).ok();
        return ProcessFacts.of(node.init(id).parent());
    }

    Outcome run(String id, String[] flags, String... argv) {
        List<String> all = new ArrayList<>(List.of("-d"));
        all.addAll(List.of(flags));
        return node.ctr(node.runArgs(program.toString(), all, id, argv).toArray(String[]::new));
    }

    /** How often containerd has called the shim's program with that command. */
    long calls(String command) {
        try (var lines = Files.lines(calls)) {
            return lines.filter(command::equals).count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What containerd keeps to find the shim again. */
    String bundleFile(String id, String name) {
        try {
            return Files.readString(node.bundle(id).resolve(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
