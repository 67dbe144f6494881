@NullMarked
package dev.jshim.bridge.migrate;

import org.jspecify.annotations.NullMarked;
