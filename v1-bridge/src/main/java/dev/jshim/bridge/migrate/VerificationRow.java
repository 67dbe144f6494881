package dev.jshim.bridge.migrate;

/**
 * How one adopted bundle answered.
 *
 * @param answerMillis until both answers were there; 0 where they never were
 * @param reason what is wrong, empty where nothing is
 */
public record VerificationRow(String namespace, String id, long answerMillis, String reason) {}
