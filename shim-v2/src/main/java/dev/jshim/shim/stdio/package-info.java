/** The streams of a process: FIFOs handed over as they are if that is possible, pipes spliced in the kernel else. */
@NullMarked
package dev.jshim.shim.stdio;

import org.jspecify.annotations.NullMarked;
