/**
 * What is on a node, read-only; here the values that the packages below need: the names of tasks, where files are, what
 * was answered.
 */
@org.jspecify.annotations.NullMarked
package dev.jshim.node;
