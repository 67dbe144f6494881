package dev.jshim.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;

/** The runnable tree that the build has made, or a copy of it. */
record DistTree(Path home) {

    /** The tree under test: {@code JSHIM_HOME}, else where the module {@code dist} leaves it. */
    static DistTree built() {
        String home = System.getenv().getOrDefault("JSHIM_HOME", "../dist/target/jshim");
        var tree = new DistTree(Path.of(home).toAbsolutePath().normalize());
        assertThat(tree.home.resolve("bin/jshimctl"))
                .as("run ./dev build first")
                .isExecutable();
        return tree;
    }

    /** Copies as plain {@code cp -r} does: new inodes, new times. */
    DistTree copyTo(Path target) {
        Launched.run(home, Map.of(), List.of("cp", "-r", home.toString(), target.toString()))
                .result();
        return new DistTree(target);
    }

    /** A copy of the scripts and the keeper alone, whose JVM is the given shell script. */
    DistTree scriptsWithJvm(Path target, String script) throws IOException {
        Path java = target.resolve("lib/jvm/bin/java");
        Files.createDirectories(java.getParent());
        for (String part : List.of("bin", "lib/sh")) {
            Launched.run(
                            target,
                            Map.of(),
                            List.of(
                                    "cp",
                                    "-r",
                                    home.resolve(part).toString(),
                                    target.resolve(part).toString()))
                    .result();
        }
        for (String component : List.of("shim", "bridge", "ctl")) {
            Files.copy(home.resolve("lib/" + component + ".env"), target.resolve("lib/" + component + ".env"));
        }
        Path keeper = target.resolve("lib/native/jshim-keeper");
        Files.createDirectories(keeper.getParent());
        Files.copy(home.resolve("lib/native/jshim-keeper"), keeper, StandardCopyOption.COPY_ATTRIBUTES);
        Files.writeString(java, "#!/bin/sh\n" + script);
        java.toFile().setExecutable(true);
        return new DistTree(target);
    }

    Path bin(String name) {
        return home.resolve("bin").resolve(name);
    }

    Path jar(String module) throws IOException {
        try (var jars = Files.newDirectoryStream(home.resolve("lib/app"), module + "-[0-9]*.jar")) {
            return jars.iterator().next();
        }
    }
}
