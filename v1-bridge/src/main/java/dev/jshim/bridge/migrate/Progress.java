package dev.jshim.bridge.migrate;

/**
 * Told how a migration gets on, in the calling thread. Only {@link #line} must be there: a step is a line then, and a
 * count nothing.
 */
@FunctionalInterface
public interface Progress {
    /** Something was done, or is to be known. */
    void line(String text);

    /**
     * A step of a long piece of work begins.
     *
     * @param number from 1 on
     * @param of how many there are
     */
    default void step(int number, int of, String what) {
        line("[" + number + "/" + of + "] " + what);
    }

    /**
     * So many containers of the step are done; those of the one before do not count any more.
     *
     * @param of how many there are
     */
    default void count(int done, int of) {}
}
