package dev.jshim.it;

import java.util.List;
import java.util.stream.Stream;

/**
 * What a scenario runs with.
 *
 * @param release the daemon
 * @param runtime the runtime's name
 */
record Setup(Release release, String runtime) {
    private static final String REFERENCE = "io.containerd.runc.v2";

    /**
     * Every daemon with our shim. With {@code -Djshim.test.all=true} also every daemon with the Go shim, which shows
     * that a scenario asks for nothing but what containerd's own shim does; {@code -Djshim.test.all=reference} is the
     * Go shim alone.
     */
    static Stream<Setup> all() {
        List<String> runtimes = switch (System.getProperty("jshim.test.all", "false")) {
            case "true" -> List.of(Product.RUNTIME, REFERENCE);
            case "reference" -> List.of(REFERENCE);
            default -> List.of(Product.RUNTIME);
        };
        return runtimes.stream()
                .flatMap(runtime -> Stream.of(Release.values()).map(release -> new Setup(release, runtime)));
    }

    /** For what lies between shim and machine, where the daemon has no part in it: the one that Debian 12 has. */
    static Stream<Setup> oursOn16() {
        return Stream.of(new Setup(Release.V1_6, Product.RUNTIME));
    }

    boolean ours() {
        return runtime.equals(Product.RUNTIME);
    }

    @Override
    public String toString() {
        return "containerd " + release + ", " + runtime;
    }
}
