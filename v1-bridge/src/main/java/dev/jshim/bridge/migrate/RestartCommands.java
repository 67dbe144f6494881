package dev.jshim.bridge.migrate;

/**
 * How containerd is exchanged, each a line for sh.
 *
 * @param stop stops containerd; no error where it does not run
 * @param change puts containerd 2.x in the place of the old one
 * @param start starts containerd, whichever is installed
 * @param undo puts the old containerd back in its place
 */
public record RestartCommands(String stop, String change, String start, String undo) {}
