/** Commands for what was left behind: {@code bundles} and {@code clean}. */
@org.jspecify.annotations.NullMarked
package dev.jshim.ctl.leftover;
