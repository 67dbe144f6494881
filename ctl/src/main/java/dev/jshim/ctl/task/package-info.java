/** Commands that act on a task, at its shim: {@code kill}, {@code exec}, {@code pause} and their like. */
@org.jspecify.annotations.NullMarked
package dev.jshim.ctl.task;
