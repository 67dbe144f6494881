/** The task as a shim serves it: one service, whatever runs beneath it. */
@NullMarked
package dev.jshim.shim.task;

import org.jspecify.annotations.NullMarked;
