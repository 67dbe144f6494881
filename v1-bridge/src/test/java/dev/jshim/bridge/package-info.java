@NullMarked
package dev.jshim.bridge;

import org.jspecify.annotations.NullMarked;
