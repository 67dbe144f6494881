/** What commands share: options, errors and exit codes, lists, and the node and the shims that they ask. */
@org.jspecify.annotations.NullMarked
package dev.jshim.ctl.cli;
