/** Events on their way from a shim to containerd. */
@NullMarked
package dev.jshim.shim.event;

import org.jspecify.annotations.NullMarked;
