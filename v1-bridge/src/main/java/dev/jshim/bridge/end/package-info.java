/** The end of an adopted container, and of one whose v1 shim has died. */
@NullMarked
package dev.jshim.bridge.end;

import org.jspecify.annotations.NullMarked;
