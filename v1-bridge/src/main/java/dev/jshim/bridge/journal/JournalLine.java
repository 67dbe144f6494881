package dev.jshim.bridge.journal;

import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonWriter;
import dev.jshim.task.Ids;
import dev.jshim.task.ShimException;
import dev.jshim.task.TaskId;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * The form of a journal's lines: an object of strings in JSON, the last of which is a checksum. It covers the line and
 * the checksum of the line before, so that no line can be missing, or be there twice, but at the end.
 */
final class JournalLine {
    private static final int VERSION = 3;
    private static final String SUM = ",\"sum\":\"";
    private static final String END = "\"}";

    private JournalLine() {}

    /** The first line of a journal. */
    static String header() throws IOException {
        return json("", "jshim-journal", Integer.toString(VERSION));
    }

    /** @param before the checksum of the line before, see {@link #sumOf} */
    static String of(JournalEntry entry, String before) throws IOException {
        return switch (entry) {
            case JournalEntry.Began(var command, var boot) ->
                json(before, "step", "began", "command", command, "boot", boot);
            case JournalEntry.MakeDirectory(var path) ->
                json(before, "step", "make-directory", "path", path.toString());
            case JournalEntry.Adopt(var task, var record) -> ofTask(before, "adopt", task, "record", record);
            case JournalEntry.Adopted(var task) -> ofTask(before, "adopted", task);
            case JournalEntry.Abandoned(var task, var reason) -> ofTask(before, "abandoned", task, "reason", reason);
            case JournalEntry.Drop(var task) -> ofTask(before, "drop", task);
            case JournalEntry.OldDaemon(var file, var runtime, var runtimeRoot) ->
                json(before, "step", "old-daemon", "file", file, "runtime", runtime, "runtime-root", runtimeRoot);
            case JournalEntry.RollBack() -> json(before, "step", "roll-back");
        };
    }

    /**
     * Checks the first line.
     *
     * @throws IOException that says what is wrong with it
     */
    static void checkHeader(String line) throws IOException {
        var version = parse(line).get("jshim-journal");
        if (version == null) {
            throw new IOException("it does not begin like a journal");
        }
        if (!version.equals(Integer.toString(VERSION))) {
            throw new IOException("version " + version + " was written by another jshim; this one reads " + VERSION);
        }
        checkSum(line, "");
    }

    /**
     * Reads any other line.
     *
     * @param before the checksum of the line before
     * @throws IOException that says what is wrong with it
     */
    static JournalEntry entry(String line, String before) throws IOException {
        checkSum(line, before);
        var entry = entry(line);
        if (!of(entry, before).equals(line)) {
            throw new IOException("its content is not canonical");
        }
        return entry;
    }

    /** The checksum of a line that was checked. */
    static String sumOf(String line) {
        return line.substring(line.lastIndexOf(SUM) + SUM.length(), line.length() - END.length());
    }

    private static JournalEntry entry(String line) throws IOException {
        var values = parse(line);
        var step = need(values, "step");
        try {
            return switch (step) {
                case "began" -> new JournalEntry.Began(need(values, "command"), need(values, "boot"));
                case "make-directory" -> new JournalEntry.MakeDirectory(Path.of(need(values, "path")));
                case "adopt" -> new JournalEntry.Adopt(task(values), need(values, "record"));
                case "adopted" -> new JournalEntry.Adopted(task(values));
                case "abandoned" -> new JournalEntry.Abandoned(task(values), need(values, "reason"));
                case "drop" -> new JournalEntry.Drop(task(values));
                case "old-daemon" ->
                    new JournalEntry.OldDaemon(
                            need(values, "file"), need(values, "runtime"), need(values, "runtime-root"));
                case "roll-back" -> new JournalEntry.RollBack();
                default -> throw new IOException("step " + step + " is not known");
            };
        } catch (IllegalArgumentException | ShimException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    private static TaskId task(Map<String, String> values) throws IOException {
        return requireSafe(new TaskId(need(values, "namespace"), need(values, "id")));
    }

    /** What a journal names is made and removed: nothing in it may lead out of containerd's directories. */
    private static TaskId requireSafe(TaskId task) {
        Ids.requireSafe("namespace", task.namespace());
        Ids.requireSafe("container id", task.id());
        return task;
    }

    private static String need(Map<String, String> values, String key) throws IOException {
        var value = values.get(key);
        if (value == null) {
            throw new IOException("no " + key);
        }
        return value;
    }

    private static String ofTask(String before, String step, TaskId task, String... more) throws IOException {
        var safe = requireSafe(task);
        var words = new ArrayList<>(List.of("step", step, "namespace", safe.namespace(), "id", safe.id()));
        words.addAll(List.of(more));
        return json(before, words.toArray(String[]::new));
    }

    private static String json(String before, String... keysAndValues) throws IOException {
        var text = new StringWriter();
        try (var json = new JsonWriter(text)) {
            json.beginObject();
            for (var i = 0; i < keysAndValues.length; i += 2) {
                json.name(keysAndValues[i]).value(keysAndValues[i + 1]);
            }
            json.endObject();
        }
        var object = text.toString();
        var body = object.substring(0, object.length() - 1);
        return body + SUM + sum(before + body) + END;
    }

    private static void checkSum(String line, String before) throws IOException {
        var end = line.lastIndexOf(SUM);
        if (end < 0 || !line.substring(end).equals(SUM + sum(before + line.substring(0, end)) + END)) {
            throw new IOException("its checksum is wrong, or the line before it was changed");
        }
    }

    private static String sum(String text) {
        var sum = new CRC32C();
        sum.update(text.getBytes(StandardCharsets.UTF_8));
        return HexFormat.of().toHexDigits((int) sum.getValue());
    }

    private static Map<String, String> parse(String line) throws IOException {
        Map<String, String> values = new HashMap<>();
        try (var json = new JsonReader(new StringReader(line))) {
            json.beginObject();
            while (json.hasNext()) {
                values.put(json.nextName(), json.nextString());
            }
            json.endObject();
        } catch (IllegalStateException | NumberFormatException e) {
            throw new IOException("it is not an object of strings", e);
        }
        return values;
    }
}
