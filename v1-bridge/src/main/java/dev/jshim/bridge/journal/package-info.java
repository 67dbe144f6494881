/** The journal of migrations, and what it knows of the old daemon. */
@NullMarked
package dev.jshim.bridge.journal;

import org.jspecify.annotations.NullMarked;
