/** What was left behind: bundles, sockets and shims that no task needs any more. */
@org.jspecify.annotations.NullMarked
package dev.jshim.node.leftover;
