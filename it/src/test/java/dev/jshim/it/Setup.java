package dev.jshim.it;

import java.util.Arrays;
import java.util.stream.Stream;

/**
 * What a scenario runs with.
 *
 * @param release the daemon
 * @param runtime the runtime's name
 * @param engine what runs the containers
 * @param wholeNode whether one shim serves all containers of a namespace; ours alone can
 */
record Setup(Release release, String runtime, Engine engine, boolean wholeNode) {
    private static final String REFERENCE = "io.containerd.runc.v2";

    /**
     * Every daemon with our shim, the newest one with the newest runc, the others with the system's.
     * {@code -Djshim.test.all} adds: {@code true} the four below, and one of their names that one alone, without ours.
     *
     * <ul>
     *   <li>{@code reference}: the Go shim, which shows that a scenario asks for nothing but what containerd's own
     *       does;
     *   <li>{@code crun}: our shim and the Go shim with the system's crun, each with every daemon;
     *   <li>{@code engines}: our shim with each other runc and crun, under the newest daemon; and with
     *       {@code engines-reference} the Go shim, which is not in {@code true};
     *   <li>{@code pod}: our shim, one for each pod or container without one;
     *   <li>{@code vm}: our shim under the newest daemon with the system's runc, for a slow machine; not in
     *       {@code true}.
     * </ul>
     */
    static Stream<Setup> all() {
        return switch (System.getProperty("jshim.test.all", "false")) {
            case "true" ->
                Stream.of(own(), reference(), crun(), engines(Product.RUNTIME), perPod())
                        .flatMap(s -> s)
                        .distinct();
            case "reference" -> reference();
            case "crun" -> crun();
            case "engines" -> engines(Product.RUNTIME);
            case "engines-reference" -> engines(REFERENCE);
            case "pod" -> perPod();
            case "vm" -> Stream.of(new Setup(Release.V2, Product.RUNTIME, Engine.RUNC, true));
            default -> own();
        };
    }

    /** The same, and in every run also the newest crun and a shim for each pod with the newest daemon. */
    static Stream<Setup> allWays() {
        Stream<Setup> more = Stream.of(
                new Setup(Release.V2, Product.RUNTIME, Engine.CRUN_NEWEST, true),
                new Setup(Release.V2, Product.RUNTIME, Engine.RUNC_NEWEST, false));
        return Stream.concat(all(), more).distinct();
    }

    /** For what lies between shim and machine, where the daemon has no part in it: the one that Debian 12 has. */
    static Stream<Setup> oursOn16() {
        return Stream.of(new Setup(Release.V1_6, Product.RUNTIME, Engine.RUNC, true));
    }

    /** With a runtime that can restore; the newest daemon alone in a usual run. */
    static Stream<Setup> restoring() {
        Stream<Setup> each = all().filter(s -> !s.engine.isCrun());
        return System.getProperty("jshim.test.all", "false").equals("false")
                ? each.filter(s -> s.release == Release.V2)
                : each;
    }

    /** Our shim with every daemon, and one for each pod with the newest. */
    static Stream<Setup> lasting() {
        return Stream.concat(own(), Stream.of(new Setup(Release.V2, Product.RUNTIME, Engine.RUNC_NEWEST, false)));
    }

    private static Stream<Setup> own() {
        return each(Product.RUNTIME, true);
    }

    private static Stream<Setup> reference() {
        return each(REFERENCE, false);
    }

    private static Stream<Setup> crun() {
        return Stream.of(Product.RUNTIME, REFERENCE)
                .flatMap(runtime -> Arrays.stream(Release.values())
                        .map(release -> new Setup(release, runtime, Engine.CRUN, runtime.equals(Product.RUNTIME))));
    }

    private static Stream<Setup> engines(String runtime) {
        return Stream.of(
                        Engine.RUNC,
                        Engine.RUNC_TRIXIE,
                        Engine.RUNC_FORKY,
                        Engine.RUNC_NEWEST,
                        Engine.CRUN_TRIXIE,
                        Engine.CRUN_NEWEST)
                .map(engine -> new Setup(Release.V2, runtime, engine, runtime.equals(Product.RUNTIME)));
    }

    private static Stream<Setup> perPod() {
        return each(Product.RUNTIME, false);
    }

    /** With a runc of the daemon's own days: what a node has together. */
    private static Stream<Setup> each(String runtime, boolean wholeNode) {
        return Arrays.stream(Release.values())
                .map(release -> new Setup(
                        release, runtime, release == Release.V2 ? Engine.RUNC_NEWEST : Engine.RUNC, wholeNode));
    }

    boolean ours() {
        return runtime.equals(Product.RUNTIME);
    }

    @Override
    public String toString() {
        return "containerd " + release + ", " + runtime + (engine == Engine.RUNC ? "" : ", " + engine)
                + (ours() && !wholeNode ? ", a shim for each pod" : "");
    }
}
