package dev.jshim.shim.config;

import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Values of some of the keys, each of the type that its key demands. Immutable. */
public final class Settings {
    /** No value at all. */
    public static final Settings NONE = new Settings(Map.of());

    private final Map<Key, Object> values;

    Settings(Map<Key, Object> values) {
        this.values = Map.copyOf(values);
    }

    /** These values, and if they have none, the others'. */
    Settings or(Settings fallback) {
        if (values.isEmpty()) {
            return fallback;
        }
        if (fallback.values.isEmpty()) {
            return this;
        }
        Map<Key, Object> merged = new EnumMap<>(fallback.values);
        merged.putAll(values);
        return new Settings(merged);
    }

    /** The text of a key, empty if it has none. */
    public String text(Key key) {
        return values.get(key) instanceof String text ? text : "";
    }

    /** Whether a switch is on; one that was not set is off. */
    public boolean on(Key key) {
        return Boolean.TRUE.equals(values.get(key));
    }

    /** An unsigned 32-bit number, 0 if there is none. */
    public int number(Key key) {
        return values.get(key) instanceof Long number ? number.intValue() : 0;
    }

    /** One shim for all, if nothing is said; DEFAULT_GROUPING of launcher/src/main/c/launcher.c is the same. */
    public Grouping grouping() {
        return values.get(Key.GROUPING) instanceof Grouping grouping ? grouping : Grouping.NODE;
    }

    public Protocol protocol() {
        return values.get(Key.PROTOCOL) instanceof Protocol protocol ? protocol : Protocol.TTRPC;
    }

    public TaskApi taskApi() {
        return values.get(Key.TASK_API) instanceof TaskApi api ? api : TaskApi.AUTO;
    }

    /** How long a shim stays after its last container; null if nothing is said of it. */
    public @Nullable Duration idleTimeout() {
        return values.get(Key.IDLE_TIMEOUT) instanceof Long seconds ? Duration.ofSeconds(seconds) : null;
    }

    /** The values as they are. */
    Map<Key, Object> values() {
        return values;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Settings settings && settings.values.equals(values);
    }

    @Override
    public int hashCode() {
        return values.hashCode();
    }

    @Override
    public String toString() {
        return values.toString();
    }
}
