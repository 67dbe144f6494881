/** The shims of both APIs: what they answer, their keepers and processes, and the OCI runtime below them. */
@org.jspecify.annotations.NullMarked
package dev.jshim.node.shim;
