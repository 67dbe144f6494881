package dev.jshim.bridge.migrate;

import dev.jshim.node.NodePaths;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.tomlj.Toml;
import org.tomlj.TomlArray;
import org.tomlj.TomlParseError;
import org.tomlj.TomlTable;

/**
 * What a configuration must say once the v1 runtime was taken out of it, worked out on what a parser has read: whoever
 * edits the text is held to it, however the file was written.
 *
 * @param before what it says now
 */
record ConfigCheck(Map<String, Object> before) {
    /**
     * Reads a text.
     *
     * @throws IllegalArgumentException where it is no TOML
     */
    static ConfigCheck of(String text) {
        return new ConfigCheck(parse(text));
    }

    /**
     * Says nothing where an edited text says what it must.
     *
     * @throws IllegalArgumentException where it does not
     */
    void requireEdited(String text) {
        Map<String, Object> after;
        try {
            after = parse(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("what would come out is broken (" + e.getMessage() + ")", e);
        }
        var difference = difference("", withoutV1(before, true), after);
        if (difference != null) {
            throw new IllegalArgumentException("it names the v1 runtime in a way that this jshim cannot change, at "
                    + difference.replaceAll("\\p{Cntrl}", "?"));
        }
    }

    private static Map<String, Object> parse(String text) {
        try {
            var toml = Toml.parse(text);
            if (!toml.hasErrors()) {
                return plain(toml);
            }
            var first = toml.errors().getFirst();
            throw broken("line " + first.position().line() + ": " + first.getMessage(), first);
        } catch (TomlParseError e) {
            // Of an escape in a key it is thrown, not told.
            throw broken(String.valueOf(e.getMessage()), e);
        } catch (StackOverflowError e) {
            throw broken("its tables or lists go too deep", e);
        }
    }

    private static IllegalArgumentException broken(String why, Throwable e) {
        return new IllegalArgumentException(why.replaceAll("\\p{Cntrl}", "?"), e);
    }

    /**
     * Tables without anything in them say nothing, and are left out: an edit leaves some behind, or takes some away.
     */
    private static Map<String, Object> plain(TomlTable table) {
        Map<String, Object> plain = new HashMap<>();
        for (var name : table.keySet()) {
            var value = plain(table.get(List.of(name)));
            if (value != null) {
                plain.put(name, value);
            }
        }
        return plain;
    }

    private static @Nullable Object plain(@Nullable Object value) {
        return switch (value) {
            case TomlTable table -> {
                var inner = plain(table);
                yield inner.isEmpty() ? null : inner;
            }
            case TomlArray array -> {
                List<Object> list = new ArrayList<>();
                for (var i = 0; i < array.size(); i++) {
                    var one = plain(array.get(i));
                    list.add(one == null ? Map.of() : one);
                }
                yield list;
            }
            case null, default -> value;
        };
    }

    private static Map<String, Object> withoutV1(Map<?, ?> table, boolean isTop) {
        var isHandler = NodePaths.V1_RUNTIME.equals(table.get("runtime_type"));
        Map<String, Object> after = new HashMap<>();
        table.forEach((key, value) -> {
            var name = String.valueOf(key);
            Object edited = value;
            if (isHandler && name.equals("runtime_type")) {
                edited = OldConfig.NEW_RUNTIME;
            } else if (value instanceof Map<?, ?> inner) {
                var rest = withoutV1(inner, false);
                if (isHandler && name.equals("options")) {
                    rest = renamed(rest);
                }
                if (isTop && name.equals("plugins")) {
                    rest.keySet().removeIf(OldConfig::isPlugin);
                }
                edited = rest.isEmpty() ? null : rest;
            }
            if (edited != null) {
                after.put(name, edited);
            }
        });
        return after;
    }

    private static Map<String, Object> renamed(Map<String, Object> options) {
        Map<String, Object> renamed = new HashMap<>();
        options.forEach((name, value) -> {
            var other = OldConfig.OPTIONS.getOrDefault(name, name);
            if (!other.isEmpty()) {
                renamed.put(other, value);
            }
        });
        return renamed;
    }

    /** The key of something that differs; null where nothing does. */
    private static @Nullable String difference(String at, @Nullable Object one, @Nullable Object other) {
        if (one instanceof Map<?, ?> first && other instanceof Map<?, ?> second) {
            for (var name : first.keySet()) {
                var found = difference(at + "." + name, first.get(name), second.get(name));
                if (found != null) {
                    return found;
                }
            }
            return second.keySet().stream()
                    .filter(name -> !first.containsKey(name))
                    .map(name -> (at + "." + name).substring(1))
                    .findFirst()
                    .orElse(null);
        }
        return one != null && one.equals(other) ? null : at.isEmpty() ? "its beginning" : at.substring(1);
    }
}
