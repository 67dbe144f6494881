/** Processes as {@code /proc} shows them: who they are, what they hold open, how a signal reaches them. */
@org.jspecify.annotations.NullMarked
package dev.jshim.node.process;
