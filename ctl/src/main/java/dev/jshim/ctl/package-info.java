/** jshimctl: picocli commands, thin over the modules below. */
@NullMarked
package dev.jshim.ctl;

import org.jspecify.annotations.NullMarked;
