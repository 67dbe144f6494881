@NullMarked
package dev.jshim.bridge.record;

import org.jspecify.annotations.NullMarked;
