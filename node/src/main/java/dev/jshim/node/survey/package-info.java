/** What a node has, asked as a whole: each task with its shim and its health, each socket, the owner of a process. */
@org.jspecify.annotations.NullMarked
package dev.jshim.node.survey;
