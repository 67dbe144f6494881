@org.jspecify.annotations.NullMarked
package dev.jshim.bench;
