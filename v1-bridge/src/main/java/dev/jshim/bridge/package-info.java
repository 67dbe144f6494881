/** The bridge: v1 shims served as v2 tasks. */
@NullMarked
package dev.jshim.bridge;

import org.jspecify.annotations.NullMarked;
