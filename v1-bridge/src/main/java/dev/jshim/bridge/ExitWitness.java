package dev.jshim.bridge;

import dev.jshim.proto.v2.events.TaskExit;

/**
 * What is known of the exits of a namespace beside what containerd is heard to say now. Thread-safe; never blocks long.
 */
interface ExitWitness {
    /** For a namespace of which nothing is known. */
    ExitWitness NONE = new ExitWitness() {
        @Override
        public boolean isTold(TaskExit exit) {
            return false;
        }

        @Override
        public boolean isRefuted(TaskExit exit) {
            return false;
        }

        @Override
        public boolean wasWithinReach(TaskExit exit) {
            return false;
        }

        @Override
        public boolean isBeingTold(TaskExit exit) {
            return false;
        }

        @Override
        public void told(TaskExit exit) {}
    };

    /** Whether containerd was heard to tell of it before, by this bridge or the one before. */
    boolean isTold(TaskExit exit);

    /** Whether the process lives: containerd says 255 of each container whose bridge it has lost. */
    boolean isRefuted(TaskExit exit);

    /** Whether the v1 shim could tell containerd of it by itself, where that ran when it happened. */
    boolean wasWithinReach(TaskExit exit);

    /** Whether the v1 shim is at it right now. Reads /proc. */
    boolean isBeingTold(TaskExit exit);

    /** That containerd was heard to tell of it. */
    void told(TaskExit exit);
}
