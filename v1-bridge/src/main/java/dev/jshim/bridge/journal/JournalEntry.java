package dev.jshim.bridge.journal;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.jshim.bridge.record.AdoptedRecord;
import dev.jshim.task.Ids;
import dev.jshim.task.ShimException;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A line of the {@link Journal}: an object of strings in JSON, the last of which is a checksum. It covers the line and
 * the checksum of the line before, so that no line can be missing, or be there twice, but at the end.
 *
 * @param values of the step's keys, in their order
 */
public record JournalEntry(Step step, List<String> values) {
    private static final String HEADER = "jshim-journal";
    private static final String VERSION = "3";
    private static final String SUM = ",\"sum\":\"";
    private static final String END = "\"}";

    /** What is done, and the keys that say to what. */
    public enum Step {
        /** A command began to change the node; for people. Processes on record before another boot are gone. */
        BEGAN("command", "boot"),
        /** A directory that was not there before is about to be made. */
        MAKE_DIRECTORY("path"),
        /** A bundle is about to be added. The record is the text of its record, empty if that is not known. */
        ADOPT("namespace", "id", "record"),
        /** The bundle is in place. */
        ADOPTED("namespace", "id"),
        /** The bundle was not added after all. */
        ABANDONED("namespace", "id", "reason"),
        /** What the old daemon was told of the v1 runtime, which containerd 2.x drops; each is empty for none. */
        OLD_DAEMON("file", "runtime", "runtime-root"),
        /** An adopted bundle is about to be taken away, since its container is no more. */
        DROP("namespace", "id"),
        /** All that was added is about to be taken away. */
        ROLL_BACK();

        @SuppressWarnings("ImmutableEnumChecker") // List.of makes an immutable one
        private final List<String> keys;

        Step(String... keys) {
            this.keys = List.of(keys);
        }

        private String word() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /** What a journal names is made and removed: nothing in it may lead out of containerd's directories. */
    public JournalEntry {
        values = List.copyOf(values);
        if (step.keys.contains("id")) {
            Ids.requireSafe("namespace", values.get(0));
            Ids.requireSafe("container id", values.get(1));
        } else if (step == Step.MAKE_DIRECTORY) {
            var path = Path.of(values.getFirst());
            if (!path.isAbsolute() || !path.equals(path.normalize())) {
                throw new IllegalArgumentException("no absolute path: " + path);
            }
        }
    }

    /** A step with the values of its keys. */
    public static JournalEntry of(Step step, String... values) {
        return new JournalEntry(step, List.of(values));
    }

    /** A step of one container. */
    public static JournalEntry of(Step step, TaskId task, String... more) {
        return new JournalEntry(
                step,
                Stream.concat(Stream.of(task.namespace(), task.id()), Stream.of(more))
                        .toList());
    }

    /** The value of a key that its step has. */
    public String value(String key) {
        return values.get(step.keys.indexOf(key));
    }

    /** Whose it is, for a step of one container. */
    public TaskId task() {
        return new TaskId(value("namespace"), value("id"));
    }

    /** The record of a container that was to be adopted; null for any other step, and if it cannot be read. */
    public @Nullable AdoptedRecord record() {
        try {
            return step == Step.ADOPT ? AdoptedRecord.parse(value("record")) : null;
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    /** The first line of a journal. */
    static String header() {
        return line(List.of(HEADER), List.of(VERSION), "");
    }

    /** @param before the checksum of the line before, see {@link #sumOf} */
    String line(String before) {
        var keys = new ArrayList<>(step.keys);
        keys.addFirst("step");
        var all = new ArrayList<>(values);
        all.addFirst(step.word());
        return line(keys, all, before);
    }

    private static String line(List<String> keys, List<String> values, String before) {
        var json = new JsonObject();
        for (var i = 0; i < keys.size(); i++) {
            json.addProperty(keys.get(i), values.get(i));
        }
        var object = json.toString();
        var body = object.substring(0, object.length() - 1);
        var sum = new CRC32C();
        sum.update((before + body).getBytes(StandardCharsets.UTF_8));
        return body + SUM + HexFormat.of().toHexDigits((int) sum.getValue()) + END;
    }

    /** The checksum of a line that was checked. */
    static String sumOf(String line) {
        return line.substring(line.lastIndexOf(SUM) + SUM.length(), line.length() - END.length());
    }

    /**
     * Reads a line: written again it is the same, or it is not what we have written.
     *
     * @param before the checksum of the line before; empty for the first line
     * @return null for the first line
     * @throws IOException that says what is wrong with it
     */
    static @Nullable JournalEntry parse(String line, String before) throws IOException {
        try {
            var json = JsonParser.parseString(line).getAsJsonObject();
            var version = before.isEmpty() ? value(json, HEADER) : VERSION;
            if (!version.equals(VERSION)) {
                throw new IOException(
                        "version " + version + " was written by another jshim; this one reads " + VERSION);
            }
            var entry = before.isEmpty() ? null : entry(json);
            if (!line.equals(entry == null ? header() : entry.line(before))) {
                throw new IOException("its checksum is wrong, or the line before it was changed");
            }
            return entry;
        } catch (JsonParseException | IllegalStateException | IllegalArgumentException | ShimException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    private static JournalEntry entry(JsonObject json) throws IOException {
        var word = value(json, "step");
        for (var step : Step.values()) {
            if (step.word().equals(word)) {
                List<String> values = new ArrayList<>();
                for (var key : step.keys) {
                    values.add(value(json, key));
                }
                return new JournalEntry(step, values);
            }
        }
        throw new IOException("step " + word + " is not known");
    }

    private static String value(JsonObject json, String key) throws IOException {
        if (json.has(key) && json.get(key).isJsonPrimitive()) {
            return json.get(key).getAsString();
        }
        throw new IOException("it has no " + key);
    }
}
