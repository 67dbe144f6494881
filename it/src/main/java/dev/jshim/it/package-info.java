/** Tests against real containerd, runc and v1 shims. */
@NullMarked
package dev.jshim.it;

import org.jspecify.annotations.NullMarked;
