package dev.jshim.shim.keeper;

import dev.jshim.linux.Fd;

/** Holds a second descriptor of files that are to outlive this process, by name. Thread-safe. */
public interface FdStore {
    /** Holds nothing: for a process whose end is the end. */
    FdStore NONE = new FdStore() {
        @Override
        public void keep(String name, Fd fd) {}

        @Override
        public void drop(String name) {}
    };

    /**
     * Has a descriptor held, which stays the caller's. It is as good as held when this returns.
     *
     * @param name at most 400 bytes, without NUL and line ends; what had that name before is let go of
     */
    void keep(String name, Fd fd);

    /** Has a descriptor let go of; nothing if none has that name. */
    void drop(String name);
}
