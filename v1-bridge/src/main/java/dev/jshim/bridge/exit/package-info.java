/** Exits and the other events of adopted containers, on their way to the containerd that runs. */
@NullMarked
package dev.jshim.bridge.exit;

import org.jspecify.annotations.NullMarked;
