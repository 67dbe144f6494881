package dev.jshim.task;

import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/** Where a shim listens: a socket in the file system, or a name in the abstract namespace (before 1.3.9 and 1.4.3). */
public sealed interface ShimSocket {
    /** A socket in the file system. */
    record Named(Path path) implements ShimSocket {
        @Override
        public String address() {
            return SCHEME + path;
        }

        @Override
        public String kind() {
            return "file";
        }
    }

    /** An abstract name, without the NUL it begins with, and without the one that Go's sockets end with. */
    record Abstract(String name) implements ShimSocket {
        @Override
        public String address() {
            return name;
        }

        @Override
        public String kind() {
            return "abstract";
        }
    }

    String SCHEME = "unix://";

    /** unix(7): sun_path has 108, one of them a NUL. */
    int MAX_BYTES = 107;

    /** As an {@code address} file has it: {@code unix:///path}, or bare for an abstract name. */
    String address();

    /** {@code file} or {@code abstract}. */
    String kind();

    /**
     * Reads an address the way containerd does: what lacks {@code unix://} is abstract (1.6.20,
     * runtime/v1/shim/client/client.go and runtime/v2/shim/util_unix.go). Blanks and line ends around it are dropped.
     *
     * @throws IllegalArgumentException that says what is wrong, for an address that can be none
     */
    static ShimSocket parse(String address) {
        var text = address.strip();
        var named = text.startsWith(SCHEME);
        var name = named ? text.substring(SCHEME.length()) : text;
        if (!named && name.startsWith("\0")) {
            name = name.substring(1);
        }
        if (name.isEmpty()) {
            throw new IllegalArgumentException("the address is empty");
        }
        if (name.chars().anyMatch(Character::isISOControl) || !name.startsWith("/")) {
            throw new IllegalArgumentException("the address is not a path: " + Printable.of(text));
        }
        if (name.getBytes(StandardCharsets.UTF_8).length > MAX_BYTES) {
            throw new IllegalArgumentException(
                    "the address is longer than a socket's name can be: " + Printable.of(text));
        }
        return named ? named(name) : new Abstract(name);
    }

    /** A bare path in the file system, as in the address of a shim that speaks gRPC. */
    static ShimSocket named(String path) {
        try {
            return new Named(Path.of(path));
        } catch (InvalidPathException e) {
            throw new IllegalArgumentException("the address is not a path: " + Printable.of(path), e);
        }
    }
}
