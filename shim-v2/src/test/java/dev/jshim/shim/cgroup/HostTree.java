package dev.jshim.shim.cgroup;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Objects;

/** A copy of the recorded files of a host, for a test to change. */
record HostTree(Path root) {

    static HostTree copyOf(String name, Path directory) throws IOException {
        var source = resource(name);
        try (var files = Files.walk(source)) {
            for (var file : files.filter(Files::isRegularFile).toList()) {
                var copy = directory.resolve(source.relativize(file));
                Files.createDirectories(copy.getParent());
                Files.copy(file, copy);
            }
        }
        return new HostTree(directory);
    }

    static Path resource(String name) {
        try {
            return Path.of(Objects.requireNonNull(HostTree.class.getResource("/cgroup/" + name))
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    Host host() {
        return new Host(root);
    }

    HostTree write(String path, String text) throws IOException {
        var file = host().at(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
        return this;
    }

    HostTree delete(String path) throws IOException {
        try (var files = Files.walk(host().at(path))) {
            files.sorted(Comparator.reverseOrder()).forEach(HostTree::remove);
        }
        return this;
    }

    private static void remove(Path file) {
        try {
            Files.delete(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
