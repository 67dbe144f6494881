/** Forms of a result: its fields, and how these become a table, lines, JSON or YAML. */
@org.jspecify.annotations.NullMarked
package dev.jshim.ctl.output;
