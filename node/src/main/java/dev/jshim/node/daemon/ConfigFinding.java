package dev.jshim.node.daemon;

/**
 * Something in containerd's configuration that 2.x takes otherwise than 1.x did.
 *
 * @param where {@code FILE:LINE}, or the file alone
 * @param key with its tables, parted by dots
 * @param fatal whether something that works under 1.x fails under 2.x
 * @param why in words that follow on the key
 * @param todo what to do about it
 */
public record ConfigFinding(String where, String key, boolean fatal, String why, String todo) {}
