@NullMarked
package dev.jshim.bridge.end;

import org.jspecify.annotations.NullMarked;
