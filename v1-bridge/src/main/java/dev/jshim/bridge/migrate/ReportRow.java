package dev.jshim.bridge.migrate;

/**
 * What was done with one container, or is to be done.
 *
 * @param result {@code adopted}, {@code unchanged}, {@code dropped}, {@code removed}, {@code gone}, {@code left} or
 *     {@code refused}
 * @param reason empty where the result says it all
 */
public record ReportRow(String namespace, String id, String result, String reason) {
    boolean isRefused() {
        return result.equals("refused");
    }
}
