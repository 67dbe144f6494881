@org.jspecify.annotations.NullMarked
package dev.jshim.ctl.metrics;
