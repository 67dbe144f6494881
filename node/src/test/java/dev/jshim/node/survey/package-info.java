@org.jspecify.annotations.NullMarked
package dev.jshim.node.survey;
