@NullMarked
package dev.jshim.bridge.serve;

import org.jspecify.annotations.NullMarked;
