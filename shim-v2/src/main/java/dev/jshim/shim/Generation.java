package dev.jshim.shim;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The containerd that calls, as far as its answer to {@code start} differs. */
enum Generation {
    /** Before 1.7: a bare address is all it understands. */
    V1_6,
    /** JSON too, with version 2 and ttrpc or gRPC. */
    V1_7,
    /** Also version 3: task API 3, and the containers of a pod join its shim without a call of the binary. */
    V2,
    /** Not certain. */
    UNKNOWN;

    /** As 2.1.9 has it, and the later ones (cmd/containerd-shim-runc-v2/process/exec.go delete). */
    private static final Duration BACKGROUND = Duration.ofSeconds(10);

    /** As 1.6.20 and 1.7.24 have it. */
    private static final Duration OLD_BACKGROUND = Duration.ofSeconds(2);

    private static final String V1_MODULE = "github.com/containerd/containerd";
    private static final String V2_MODULE = V1_MODULE + "/v2";

    /** How long its own shim's Delete waits for output that something left behind holds open. */
    Duration background() {
        return this == V1_6 || this == V1_7 ? OLD_BACKGROUND : BACKGROUND;
    }

    /**
     * Finds out by the program that runs as the caller, without running anything.
     *
     * <p>containerd says MAX_SHIM_VERSION=2 in 1.7 and in 2.x alike (pkg/shim/util.go, v2.1.4), and the file that
     * {@code -publish-binary} names may have been replaced by an upgrade while the old daemon still runs. But the
     * process that calls us is the daemon, and Go's linker has left its module path in it.
     *
     * @param caller the pid of the process that called the launcher; 0 for unknown
     * @param maxShimVersion the environment variable, which 1.7 introduced
     */
    static Generation of(int caller, @Nullable String maxShimVersion) {
        if (maxShimVersion == null) {
            return V1_6;
        }
        if (caller <= 1) {
            return UNKNOWN;
        }
        try {
            return of(GoBuildInfo.read(Path.of("/proc/" + caller + "/exe")));
        } catch (IOException e) {
            return UNKNOWN;
        }
    }

    /** Takes Go's build information of a daemon of 1.7 or later. */
    static Generation of(String buildInfo) {
        var v1 = false;
        var v2 = false;
        for (var line : buildInfo.split("\n", -1)) {
            var fields = line.split("\t", -1);
            if (fields.length < 2) {
                continue;
            }
            switch (fields[0]) {
                case "path" -> {
                    // The main package, also if the build knew no modules.
                    if (fields[1].startsWith(V2_MODULE + "/")) {
                        return V2;
                    }
                    if (fields[1].startsWith(V1_MODULE + "/")) {
                        return V1_7;
                    }
                }
                case "dep" -> {
                    // containerd inside of another program, as in k3s.
                    v1 |= fields[1].equals(V1_MODULE);
                    v2 |= fields[1].equals(V2_MODULE);
                }
                default -> {}
            }
        }
        return v1 == v2 ? UNKNOWN : v2 ? V2 : V1_7;
    }
}
