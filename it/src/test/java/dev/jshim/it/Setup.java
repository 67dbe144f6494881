package dev.jshim.it;

import java.util.Arrays;
import java.util.List;
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
     * Every daemon with our shim. {@code -Djshim.test.all} adds: {@code true} the three below, each with every daemon,
     * and one of their names that one alone, without ours.
     *
     * <ul>
     *   <li>{@code reference}: the Go shim, which shows that a scenario asks for nothing but what containerd's own
     *       does;
     *   <li>{@code crun}: our shim and the Go shim with crun;
     *   <li>{@code node}: our shim, one for all containers of a namespace.
     * </ul>
     */
    static Stream<Setup> all() {
        return switch (System.getProperty("jshim.test.all", "false")) {
            case "true" -> Stream.of(own(), reference(), crun(), grouped()).flatMap(s -> s);
            case "reference" -> reference();
            case "crun" -> crun();
            case "node" -> grouped();
            default -> own();
        };
    }

    /** The same, and in every run also crun and one shim for all with the newest daemon. */
    static Stream<Setup> allWays() {
        return Stream.concat(all(), Stream.concat(crun(), grouped()).filter(s -> s.ours() && s.release == Release.V2))
                .distinct();
    }

    /** For what lies between shim and machine, where the daemon has no part in it: the one that Debian 12 has. */
    static Stream<Setup> oursOn16() {
        return Stream.of(new Setup(Release.V1_6, Product.RUNTIME, Engine.RUNC, false));
    }

    /** With a runtime that can restore; the newest daemon alone in a usual run. */
    static Stream<Setup> restoring() {
        Stream<Setup> each = all().filter(s -> s.engine == Engine.RUNC);
        return System.getProperty("jshim.test.all", "false").equals("false")
                ? each.filter(s -> s.release == Release.V2)
                : each;
    }

    private static Stream<Setup> own() {
        return each(Product.RUNTIME, Engine.RUNC, false);
    }

    private static Stream<Setup> reference() {
        return each(REFERENCE, Engine.RUNC, false);
    }

    private static Stream<Setup> crun() {
        return List.of(Product.RUNTIME, REFERENCE).stream().flatMap(runtime -> each(runtime, Engine.CRUN, false));
    }

    private static Stream<Setup> grouped() {
        return each(Product.RUNTIME, Engine.RUNC, true);
    }

    private static Stream<Setup> each(String runtime, Engine engine, boolean wholeNode) {
        return Arrays.stream(Release.values()).map(release -> new Setup(release, runtime, engine, wholeNode));
    }

    boolean ours() {
        return runtime.equals(Product.RUNTIME);
    }

    @Override
    public String toString() {
        return "containerd " + release + ", " + runtime + (engine == Engine.CRUN ? ", crun" : "")
                + (wholeNode ? ", one shim for all" : "");
    }
}
