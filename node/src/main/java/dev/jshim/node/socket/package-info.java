/** Unix sockets: the names of those that shims listen on, who listens, and connections to them. */
@org.jspecify.annotations.NullMarked
package dev.jshim.node.socket;
