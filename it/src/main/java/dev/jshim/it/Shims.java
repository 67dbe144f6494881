package dev.jshim.it;

/** The processes of our shims: what stands for a shim is its keeper, the parent of its JVM and of its containers. */
public final class Shims {
    private Shims() {}

    /**
     * The JVM of a shim.
     *
     * @param shim the pid that {@code shim.pid} names
     * @return 0 while none runs, and for a shim of another vendor
     */
    public static long jvm(long shim) {
        return ProcessHandle.of(shim).stream()
                .flatMap(ProcessHandle::children)
                .filter(child -> child.info().command().orElse("").endsWith("/java"))
                .mapToLong(ProcessHandle::pid)
                .findFirst()
                .orElse(0);
    }
}
