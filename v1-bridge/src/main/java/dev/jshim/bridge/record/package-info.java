/** What is known of an adopted container on disk: its record, its notes, the bundle that was added, the places. */
@NullMarked
package dev.jshim.bridge.record;

import org.jspecify.annotations.NullMarked;
