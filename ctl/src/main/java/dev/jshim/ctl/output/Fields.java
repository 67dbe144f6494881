package dev.jshim.ctl.output;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Named values in order: what a command has to say, before it is a table or JSON. A value is a text, a number, a
 * boolean, null, a list of values, or {@code Fields}.
 */
public record Fields(Map<String, @Nullable Object> values) {
    public Fields() {
        this(new LinkedHashMap<>());
    }

    /** Adds a value, and is this same object. */
    public Fields with(String name, @Nullable Object value) {
        values.put(name, value);
        return this;
    }

    /** Adds all values of another, and is this same object. */
    public Fields withAll(Fields other) {
        values.putAll(other.values());
        return this;
    }

    /** A value; null if there is none of that name. */
    @Nullable
    public Object get(String name) {
        return values.get(name);
    }
}
