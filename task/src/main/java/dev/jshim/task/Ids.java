package dev.jshim.task;

/** Ids become names of files and directories: what could leave the bundle is refused before it is used. */
public final class Ids {
    /** containerd's own limit (pkg/identifiers/validate.go, v2.1.4). */
    private static final int MAX_LENGTH = 76;

    private Ids() {}

    /** Whether an id is one that containerd itself would take: letters and digits, joined by single {@code . _ -}. */
    public static boolean isSafe(String id) {
        if (id.isEmpty() || id.length() > MAX_LENGTH) {
            return false;
        }
        var wasSeparator = true;
        for (var i = 0; i < id.length(); i++) {
            var c = id.charAt(i);
            var isSeparator = c == '.' || c == '_' || c == '-';
            var isPlain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
            if (!isPlain && (!isSeparator || wasSeparator)) {
                return false;
            }
            wasSeparator = isSeparator;
        }
        return !wasSeparator;
    }

    /**
     * Refuses an id that is not safe.
     *
     * @throws ShimException INVALID_ARGUMENT that names the id and the rule
     */
    public static void requireSafe(String what, String id) {
        if (!isSafe(id)) {
            throw ShimException.invalidArgument(what + " \"" + id + "\" is not valid: up to " + MAX_LENGTH
                    + " letters and digits, joined by single '.', '_' or '-'");
        }
    }
}
