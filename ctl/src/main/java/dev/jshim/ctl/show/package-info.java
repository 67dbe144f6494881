/** Commands that look at tasks and change nothing: {@code ls}, {@code inspect}, {@code stats} and their like. */
@org.jspecify.annotations.NullMarked
package dev.jshim.ctl.show;
