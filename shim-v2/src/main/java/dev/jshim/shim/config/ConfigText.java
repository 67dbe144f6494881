package dev.jshim.shim.config;

import com.moandjiezana.toml.Toml;
import dev.jshim.task.ShimException;
import java.util.EnumMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A configuration as TOML. The only class that knows toml4j: it is loaded only if there is a text to read, and nowhere
 * else.
 *
 * <p>toml4j checks no types and knows no lines once it has parsed, so keys and types are checked here, and the line of
 * a wrong one is looked up in the text.
 */
final class ConfigText {
    private static final Pattern TOML4J_LINE = Pattern.compile("on line (\\d+)");

    private static final int MAX_LENGTH = 64 << 10;

    private static final int MAX_BRACKETS = 64;

    /** Of a text with a list: of 20 000 letters in one toml4j makes a message of 200 million. */
    private static final int MAX_LENGTH_WITH_LIST = 4 << 10;

    private static final Pattern LIST = Pattern.compile("=\\s*[\\[{]");

    private static final Pattern NO_VALUE = Pattern.compile("\\s*([A-Za-z0-9_-]+)\\s*=\\s*(?:#.*)?");

    private final String name;
    private final String text;

    private ConfigText(String name, String text) {
        this.name = name;
        this.text = text;
    }

    /**
     * Reads a text.
     *
     * @param name the file, or whatever shows the reader of a message where the text is from
     * @throws ShimException INVALID_ARGUMENT, one line with the name, the line and the key
     */
    static Settings parse(String name, String text) {
        return new ConfigText(name, text).parse();
    }

    private Settings parse() {
        Map<Key, Object> settings = new EnumMap<>(Key.class);
        read().forEach((word, value) -> {
            var key = Key.named(word);
            if (key == null) {
                var meant = Key.like(word);
                throw wrong(word, word + " is not a known option" + (meant == null ? "" : ": " + meant.text() + "?"));
            }
            var typed = key.valueOf(value);
            if (typed == null) {
                throw wrong(word, word + " must be " + key.demand() + ", not " + shown(value));
            }
            var before = settings.put(key, typed);
            if (before != null && !before.equals(typed)) {
                throw wrong(word, word + " is another name of an option that already has a different value");
            }
        });
        refuseMissingValues(settings);
        return new Settings(settings);
    }

    /** toml4j passes over a key without a value, as if it were not there. */
    private void refuseMissingValues(Map<Key, Object> settings) {
        var number = 0;
        for (var line : text.lines().toList()) {
            number++;
            var key = NO_VALUE.matcher(line);
            if (key.matches() && (Key.named(key.group(1)) == null || !settings.containsKey(Key.named(key.group(1))))) {
                throw error(number, "not valid TOML: " + key.group(1) + " has no value", null);
            }
        }
    }

    private Map<String, Object> read() {
        // No option is a list. toml4j takes a minute for three thousand of them in one another.
        if (text.length() > MAX_LENGTH
                || text.chars().filter(c -> c == '[' || c == '{').count() > MAX_BRACKETS
                || (text.length() > MAX_LENGTH_WITH_LIST && LIST.matcher(text).find())) {
            throw error(
                    0,
                    "not valid TOML: it is too long, or has too many brackets or too long a list, for options",
                    null);
        }
        try {
            return new Toml().read(text).toMap();
        } catch (StackOverflowError e) {
            // Not the text's fault.
            throw new ShimException(
                    ShimException.Kind.INTERNAL, name + ": reading it as TOML takes more stack than there is", e);
        } catch (RuntimeException e) {
            // IllegalStateException for what toml4j finds; others for texts that it stumbles over.
            var message = String.valueOf(e.getMessage() == null ? e : e.getMessage());
            var line = TOML4J_LINE.matcher(message);
            var reason = message.lines().findFirst().orElse("").strip();
            throw error(line.find() ? Integer.parseInt(line.group(1)) : 0, "not valid TOML: " + reason, e);
        }
    }

    private static String shown(Object value) {
        return switch (value) {
            case String string -> "\"" + string + "\"";
            case Map<?, ?> _ -> "a table";
            default -> value.toString();
        };
    }

    private ShimException wrong(String key, String message) {
        return error(lineOf(key), message, null);
    }

    private ShimException error(int line, String message, @Nullable Throwable cause) {
        var place = line == 0 ? name : name + ":" + line;
        var oneLine = message.replaceAll("\\p{Cntrl}", "?");
        return new ShimException(ShimException.Kind.INVALID_ARGUMENT, place + ": " + oneLine, cause);
    }

    /** The first line that gives the key a value or opens a table of its name; 0 if none does. */
    private int lineOf(String key) {
        var quoted = "[\"']?" + Pattern.quote(key) + "[\"']?";
        var assignment = Pattern.compile("\\s*(?:" + quoted + "\\s*=|\\[+\\s*" + quoted + "\\s*[].]).*");
        var number = 0;
        for (var line : text.lines().toList()) {
            number++;
            if (assignment.matcher(line).matches()) {
                return number;
            }
        }
        return 0;
    }
}
