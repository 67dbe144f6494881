@NullMarked
package dev.jshim.ttrpc;

import org.jspecify.annotations.NullMarked;
