/** The way to a v1 shim, and what it says of its processes. */
@NullMarked
package dev.jshim.bridge.v1;

import org.jspecify.annotations.NullMarked;
