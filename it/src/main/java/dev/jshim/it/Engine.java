package dev.jshim.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The OCI runtime that the shims of a daemon find under the name {@code runc}. */
enum Engine {
    /** That of the system. */
    RUNC("", false),
    RUNC_TRIXIE("runc-trixie", false),
    RUNC_FORKY("runc-forky", false),
    RUNC_NEWEST("runc-newest", false),

    /**
     * That of the system, Debian 12's crun 1.8.1, as far as it goes here: it refuses a spec that says a version after
     * 1.0, so that number is lowered before it reads it.
     */
    CRUN("", true),
    CRUN_TRIXIE("crun-trixie", true),
    CRUN_NEWEST("crun-newest", true);

    private static final String VARIABLE = "JSHIM_ENGINES";

    private static final String LOWERING = """
            #!/bin/sh
            take=
            for word; do
                [ "$take" != yes ] ||
                    sed -i 's/"ociVersion": *"1[.][1-9][^"]*"/"ociVersion":"1.0.2"/' "$word/config.json"
                [ "$word" = --bundle ] && take=yes || take=
            done
            exec crun "$@"
            """;

    /** crun refuses a host where the unified hierarchy has controllers beside those of the first version. */
    private static final String WITHOUT_UNIFIED =
            "if [ -d /sys/fs/cgroup/unified ]; then umount /sys/fs/cgroup/unified || exit; fi; exec \"$@\"";

    private final String label;
    private final boolean crun;

    /** @param label below the folder of all engines; empty for that of the system */
    Engine(String label, boolean crun) {
        this.label = label;
        this.crun = crun;
    }

    boolean isCrun() {
        return crun;
    }

    /** The system's crun is built without CRIU. */
    boolean takesCheckpoints() {
        return this != CRUN;
    }

    /**
     * runc 1.3.6, and later ones, take {@code kill --all} for one of init alone where the container has pids of its
     * own.
     */
    boolean killsAll() {
        return this != RUNC_FORKY && this != RUNC_NEWEST;
    }

    /** Makes in a daemon's folder what {@link #folders} then names. */
    void install(Path dir) throws IOException {
        if (!crun) {
            return;
        }
        Path program = Files.createDirectory(dir.resolve("engine")).resolve("runc");
        if (!label.isEmpty()) {
            Files.createSymbolicLink(program, unpacked().resolve("crun"));
            return;
        }
        Files.writeString(program, LOWERING);
        if (!program.toFile().setExecutable(true)) {
            throw new IOException("cannot make executable: " + program);
        }
    }

    /** What goes before the system's folders in the daemon's PATH. */
    List<Path> folders(Path dir) {
        if (crun) {
            return List.of(dir.resolve("engine"));
        }
        return label.isEmpty() ? List.of() : List.of(unpacked());
    }

    private Path unpacked() {
        String engines = System.getenv(VARIABLE);
        Path folder = Path.of(engines == null ? "" : engines, label, "bin");
        if (!Files.isDirectory(folder)) {
            throw new IllegalStateException(label + " is needed in the folder that " + VARIABLE
                    + " names: './dev engine " + label.replace('-', ' ') + "' unpacks it into JSHIM_CACHE");
        }
        return folder;
    }

    /** How a daemon is started with it; the process that is started becomes the daemon. */
    List<String> daemon(List<String> command) {
        if (!crun) {
            return command;
        }
        List<String> all = new ArrayList<>(List.of("unshare", "-m", "sh", "-c", WITHOUT_UNIFIED, "sh"));
        all.addAll(command);
        return all;
    }

    /** With the version of one that was unpacked. */
    @Override
    public String toString() {
        if (label.isEmpty()) {
            return crun ? "crun" : "runc";
        }
        try {
            return String.valueOf(unpacked().resolve("..").toRealPath().getFileName())
                    .replace('-', ' ');
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
