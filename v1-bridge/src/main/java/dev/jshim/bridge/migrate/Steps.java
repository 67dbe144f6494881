package dev.jshim.bridge.migrate;

/** Counts the steps of a long piece of work. For one thread. */
final class Steps {
    private final Progress progress;
    private final int all;
    private int number;

    Steps(Progress progress, int all) {
        this.progress = progress;
        this.all = all;
    }

    /** The next one begins. */
    void next(String what) {
        number++;
        progress.step(number, all, what);
    }
}
