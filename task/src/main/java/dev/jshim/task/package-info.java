/** A task, and what those who serve one and those who ask for one have in common. */
@NullMarked
package dev.jshim.task;

import org.jspecify.annotations.NullMarked;
