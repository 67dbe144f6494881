package dev.jshim.ctl.task;

import dev.jshim.ctl.cli.CliException;
import java.io.ByteArrayOutputStream;
import java.util.Locale;

/**
 * The keys by which somebody leaves a command that goes on in the container, as Docker has them. What was typed of them
 * is held back until it is clear that it was not meant so. Used by one thread.
 */
final class DetachKeys {
    private static final String CTRL = "ctrl-";
    private static final int CONTROL_BITS = 0x1f;

    private final byte[] keys;
    private int matched;

    /** @param text such as {@code ctrl-p,ctrl-q}; empty for none */
    DetachKeys(String text) {
        var bytes = new ByteArrayOutputStream();
        for (var key : text.isEmpty() ? new String[0] : text.split(",", -1)) {
            bytes.write(code(key));
        }
        keys = bytes.toByteArray();
    }

    private static int code(String key) {
        if (key.length() == 1 && key.charAt(0) < 0x80) {
            return key.charAt(0);
        }
        var lower = key.toLowerCase(Locale.ROOT);
        if (lower.startsWith(CTRL) && lower.length() == CTRL.length() + 1) {
            var letter = lower.charAt(CTRL.length());
            if ((letter >= 'a' && letter <= 'z') || "@[\\]^_".indexOf(letter) >= 0) {
                return letter & CONTROL_BITS;
            }
        }
        throw CliException.usage("\"" + key + "\" is no key", "write --detach-keys ctrl-p,ctrl-q, or letters");
    }

    /**
     * Looks at what was typed.
     *
     * @param to gets what the command is to have
     * @return whether the keys were typed
     */
    boolean pass(byte[] typed, int count, ByteArrayOutputStream to) {
        for (var i = 0; i < count; i++) {
            if (keys.length > 0 && matched > 0 && typed[i] != keys[matched]) {
                to.write(keys, 0, matched);
                matched = 0;
            }
            if (keys.length == 0 || typed[i] != keys[matched]) {
                to.write(typed[i]);
                continue;
            }
            matched++;
            if (matched == keys.length) {
                matched = 0;
                return true;
            }
        }
        return false;
    }
}
