/** The v2 shim: its command line, its daemon and where its socket lives. */
@NullMarked
package dev.jshim.shim;

import org.jspecify.annotations.NullMarked;
