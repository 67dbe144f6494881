@NullMarked
package dev.jshim.it;

import org.jspecify.annotations.NullMarked;
