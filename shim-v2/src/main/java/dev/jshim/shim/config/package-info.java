/** The options of a shim and its OCI runtime, wherever they come from; see docs/options.md. */
@NullMarked
package dev.jshim.shim.config;

import org.jspecify.annotations.NullMarked;
