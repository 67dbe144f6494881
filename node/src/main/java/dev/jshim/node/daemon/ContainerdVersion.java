package dev.jshim.node.daemon;

/** What a daemon says of itself, as {@code 1.6.20} or {@code v2.1.4}. */
public record ContainerdVersion(String version, String revision) {
    /** The first number; 0 if there is none. */
    public int major() {
        var digits = version.startsWith("v") ? version.substring(1) : version;
        var dot = digits.indexOf('.');
        try {
            return Integer.parseInt(dot < 0 ? digits : digits.substring(0, dot));
        } catch (NumberFormatException e) {
            return 0;
        }
    }
}
