/** What is on a node, read-only: bundles, shims, sockets, processes, cgroups. */
@NullMarked
package dev.jshim.node;

import org.jspecify.annotations.NullMarked;
