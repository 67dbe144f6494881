/** The process that serves adopted containers as tasks. */
@NullMarked
package dev.jshim.bridge.serve;

import org.jspecify.annotations.NullMarked;
