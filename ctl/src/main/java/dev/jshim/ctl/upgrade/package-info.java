/** Commands for the way to containerd 2.x: {@code check}, {@code migrate}, {@code bridge}, {@code shim}. */
@org.jspecify.annotations.NullMarked
package dev.jshim.ctl.upgrade;
