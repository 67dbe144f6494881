package dev.jshim.bridge.migrate;

/**
 * What was done with one container.
 *
 * @param result {@code adopted}, {@code unchanged}, {@code removed}, {@code gone} or {@code refused}
 * @param reason empty where the result says it all
 */
public record ReportRow(String namespace, String id, String result, String reason) {}
