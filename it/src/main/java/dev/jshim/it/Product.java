package dev.jshim.it;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The built tree under test. Immutable. */
public final class Product {
    /** The runtime name of our shim. */
    public static final String RUNTIME = "io.containerd.runtime.v2.oci";

    /** The runtime name of the legacy shim. */
    public static final String LEGACY = "io.containerd.runtime.v1.linux";

    private Product() {}

    /**
     * The tree: JSHIM_HOME, or what the build says.
     *
     * @throws IllegalStateException if there is none
     */
    public static Path home() {
        Path home = place();
        for (String program : List.of("containerd-shim-v2-oci", "containerd-shim-v1-linux", "jshimctl")) {
            if (!Files.isExecutable(home.resolve("bin").resolve(program))) {
                throw new IllegalStateException("no program 'bin/" + program + "' in " + home
                        + ": run './dev build', or set JSHIM_HOME to a built tree");
            }
        }
        return home;
    }

    /** Says whether there is a built tree; a run of a reference shim needs none. */
    static boolean present() {
        return Files.isDirectory(place());
    }

    private static Path place() {
        String value = System.getenv("JSHIM_HOME");
        if (value == null || value.isEmpty()) {
            value = System.getProperty("jshim.home", "dist/target/jshim");
        }
        return Path.of(value).toAbsolutePath().normalize();
    }

    /** The folder that belongs into a daemon's PATH. */
    public static Path bin() {
        return home().resolve("bin");
    }

    /** Runs {@code jshimctl} on a node. */
    public static Outcome ctl(PrivateContainerd node, String... args) {
        return ctl(node, List.of(), Map.of(), args);
    }

    /** The same with more in the environment, which a bridge that it starts has too. */
    public static Outcome ctl(PrivateContainerd node, Map<String, String> variables, String... args) {
        return ctl(node, List.of(), variables, args);
    }

    /** The same, by way of env(1): variables as {@code NAME=VALUE}, or a program that runs it. */
    public static Outcome ctl(PrivateContainerd node, List<String> wrapper, String... args) {
        return ctl(node, wrapper, Map.of(), args);
    }

    private static Outcome ctl(
            PrivateContainerd node, List<String> wrapper, Map<String, String> variables, String... args) {
        List<String> command = new ArrayList<>(List.of("/usr/bin/env"));
        command.addAll(wrapper);
        command.addAll(List.of(
                bin().resolve("jshimctl").toString(),
                "--root",
                node.root().toString(),
                "--state",
                node.state().toString(),
                "--address",
                node.socket().toString()));
        command.addAll(List.of(args));
        return Run.of(command).variables(variables).run();
    }
}
