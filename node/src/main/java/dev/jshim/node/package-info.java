/** What is on a node, read-only: bundles, shims of the v1 and the v2 API, their sockets and processes. */
@org.jspecify.annotations.NullMarked
package dev.jshim.node;
