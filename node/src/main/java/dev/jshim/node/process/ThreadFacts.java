package dev.jshim.node.process;

import java.util.List;

/**
 * A thread of a process as the kernel has it.
 *
 * @param state as in {@link ProcessFacts}
 * @param waitsIn the kernel's function that it sleeps in; empty if it runs, or if we may not look
 * @param kernelStack from the innermost frame on; empty if we may not look
 */
public record ThreadFacts(int tid, String name, char state, String waitsIn, List<String> kernelStack) {
    public ThreadFacts {
        kernelStack = List.copyOf(kernelStack);
    }
}
