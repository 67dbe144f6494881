/** The shim's own log. */
@NullMarked
package dev.jshim.shim.log;

import org.jspecify.annotations.NullMarked;
