package dev.jshim.shim;

/** The name by which this shim was called: it has two, and may be linked under more. */
final class BinaryName {
    private static final String DEFAULT = "containerd-shim-v2-oci";
    private static final String PREFIX = "containerd-shim-";

    private BinaryName() {}

    /** The program's, as the launcher passes it. */
    static String text() {
        return System.getProperty("jshim.name", DEFAULT);
    }

    /** Whether it is the one that containerd runs for a container whose record names the v1 runtime. */
    static boolean isLegacy() {
        return text().endsWith("-v1-linux");
    }

    /** The runtime's, which containerd makes such a program's name of (pkg/shim/util.go BinaryName, v2.1.4). */
    static String runtime() {
        var name = text();
        if (!name.startsWith(PREFIX)) {
            return runtime(DEFAULT);
        }
        return runtime(name);
    }

    private static String runtime(String program) {
        return "io.containerd.runtime." + program.substring(PREFIX.length()).replace('-', '.');
    }
}
