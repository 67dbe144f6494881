/** containerd itself, and Docker: the processes, their configuration, their API, and what 2.x makes of these. */
@org.jspecify.annotations.NullMarked
package dev.jshim.node.daemon;
