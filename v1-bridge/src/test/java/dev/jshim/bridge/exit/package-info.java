@NullMarked
package dev.jshim.bridge.exit;

import org.jspecify.annotations.NullMarked;
