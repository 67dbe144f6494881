/** The directories that containerd makes for a task, and what their files say. */
@org.jspecify.annotations.NullMarked
package dev.jshim.node.bundle;
