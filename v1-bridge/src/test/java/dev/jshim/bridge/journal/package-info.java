@NullMarked
package dev.jshim.bridge.journal;

import org.jspecify.annotations.NullMarked;
