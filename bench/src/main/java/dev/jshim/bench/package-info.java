/** Our shim and containerd's own Go shim in turn, on one daemon with one runc. */
@NullMarked
package dev.jshim.bench;

import org.jspecify.annotations.NullMarked;
