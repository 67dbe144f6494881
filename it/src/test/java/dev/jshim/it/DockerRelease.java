package dev.jshim.it;

import java.nio.file.Files;
import java.nio.file.Path;

/** A Docker that the scenarios run with: where its programs are. Immutable. */
enum DockerRelease {
    /** Knows the v1 runtime alone. No release of Debian had it: it is there if somebody has built it. */
    V19("19.03"),
    /** The last one that offers the v1 runtime. */
    V20("20.10"),
    V26("26"),
    V28("28");

    private static final String VARIABLE = "JSHIM_DOCKERS";

    private final String label;

    DockerRelease(String label) {
        this.label = label;
    }

    /**
     * The folder with {@code dockerd} and {@code docker}; it is not there if the mirror has no such version.
     *
     * @throws IllegalStateException if nobody has looked for one
     */
    Path folder() {
        String dockers = System.getenv(VARIABLE);
        if (dockers == null || dockers.isEmpty()) {
            throw new IllegalStateException("Docker " + label + " is needed in the folder that " + VARIABLE
                    + " names: './dev docker " + label + "' unpacks it into JSHIM_CACHE");
        }
        return Path.of(dockers, "docker-" + label, "bin");
    }

    /** Says whether it is from the time of the v1 runtime: it knows no shims but its own. */
    boolean old() {
        return this == V19 || this == V20;
    }

    /** Says whether it was to be had. */
    boolean present() {
        return Files.isExecutable(folder().resolve("dockerd"));
    }

    @Override
    public String toString() {
        return label;
    }
}
