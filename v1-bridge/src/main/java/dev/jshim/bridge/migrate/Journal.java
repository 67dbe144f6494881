package dev.jshim.bridge.migrate;

import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonWriter;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What migrations have done to a node: a line of JSON for each step, on disk before the step is taken, so that whatever
 * a crash leaves behind is known. A last line without its end was never acted on and is dropped; any other damage is
 * refused. For one thread, which holds the migration's lock.
 */
final class Journal implements AutoCloseable {
    private static final int VERSION = 1;

    private final FileChannel channel;
    private final List<JournalEntry> entries;

    private Journal(FileChannel channel, List<JournalEntry> entries) {
        this.channel = channel;
        this.entries = entries;
    }

    /**
     * Opens a journal, and begins one where there is none.
     *
     * @throws IOException also for a damaged one; the message names the line
     */
    static Journal open(Path file) throws IOException {
        var fresh = !Files.exists(file);
        List<JournalEntry> entries = fresh ? new ArrayList<>() : read(file);
        var channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            channel.truncate(fresh ? 0 : wholeLines(file));
            channel.position(channel.size());
            var journal = new Journal(channel, entries);
            if (channel.size() == 0) {
                journal.write(json("jshim-journal", Integer.toString(VERSION)));
                syncDirectory(file);
            }
            return journal;
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    /** The entries of a journal, none where there is no such file. */
    static List<JournalEntry> read(Path file) throws IOException {
        List<JournalEntry> entries = new ArrayList<>();
        if (!Files.exists(file)) {
            return entries;
        }
        var text = Files.readString(file);
        var lines = text.substring(0, text.lastIndexOf('\n') + 1).lines().toList();
        for (var i = 0; i < lines.size(); i++) {
            try {
                var values = parse(lines.get(i));
                if (i == 0) {
                    checkHeader(values);
                } else {
                    entries.add(entry(values));
                }
            } catch (IOException | IllegalStateException | IllegalArgumentException e) {
                throw new IOException(
                        "the journal " + file + " is damaged in line " + (i + 1) + ": " + e.getMessage()
                                + "; nothing was changed",
                        e);
            }
        }
        return entries;
    }

    List<JournalEntry> entries() {
        return List.copyOf(entries);
    }

    /** Adds an entry; it is on disk when this returns. */
    void add(JournalEntry entry) throws IOException {
        write(
                switch (entry) {
                    case JournalEntry.MakeDirectory(var path) ->
                        json("step", "make-directory", "path", path.toString());
                    case JournalEntry.Adopt(var namespace, var id, var record) ->
                        json("step", "adopt", "namespace", namespace, "id", id, "record", record);
                    case JournalEntry.Adopted(var namespace, var id) ->
                        json("step", "adopted", "namespace", namespace, "id", id);
                    case JournalEntry.Abandoned(var namespace, var id, var reason) ->
                        json("step", "abandoned", "namespace", namespace, "id", id, "reason", reason);
                    case JournalEntry.OldDaemon(var file, var runtime, var runtimeRoot) ->
                        json("step", "old-daemon", "file", file, "runtime", runtime, "runtime-root", runtimeRoot);
                    case JournalEntry.RollBack() -> json("step", "roll-back");
                });
        entries.add(entry);
    }

    private void write(String line) throws IOException {
        var bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
        channel.force(true);
    }

    private static long wholeLines(Path file) throws IOException {
        var bytes = Files.readAllBytes(file);
        var end = bytes.length;
        while (end > 0 && bytes[end - 1] != '\n') {
            end--;
        }
        return end;
    }

    static void syncDirectory(Path file) throws IOException {
        var directory = file.getParent();
        if (directory != null) {
            try (var channel = FileChannel.open(directory, StandardOpenOption.READ)) {
                channel.force(true);
            }
        }
    }

    private static void checkHeader(Map<String, String> values) throws IOException {
        var version = values.get("jshim-journal");
        if (version == null) {
            throw new IOException("it does not begin as a journal does");
        }
        if (!version.equals(Integer.toString(VERSION))) {
            throw new IOException("version " + version + " was written by another jshim; this one knows " + VERSION);
        }
    }

    private static JournalEntry entry(Map<String, String> values) throws IOException {
        var step = need(values, "step");
        return switch (step) {
            case "make-directory" -> new JournalEntry.MakeDirectory(Path.of(need(values, "path")));
            case "adopt" ->
                new JournalEntry.Adopt(need(values, "namespace"), need(values, "id"), need(values, "record"));
            case "adopted" -> new JournalEntry.Adopted(need(values, "namespace"), need(values, "id"));
            case "abandoned" ->
                new JournalEntry.Abandoned(need(values, "namespace"), need(values, "id"), need(values, "reason"));
            case "old-daemon" ->
                new JournalEntry.OldDaemon(need(values, "file"), need(values, "runtime"), need(values, "runtime-root"));
            case "roll-back" -> new JournalEntry.RollBack();
            default -> throw new IOException("step " + step + " is not known");
        };
    }

    private static String need(Map<String, String> values, String key) throws IOException {
        var value = values.get(key);
        if (value == null) {
            throw new IOException("no " + key);
        }
        return value;
    }

    private static String json(String... keysAndValues) throws IOException {
        var text = new StringWriter();
        try (var json = new JsonWriter(text)) {
            json.beginObject();
            for (var i = 0; i < keysAndValues.length; i += 2) {
                json.name(keysAndValues[i]).value(keysAndValues[i + 1]);
            }
            json.endObject();
        }
        return text.toString();
    }

    private static Map<String, String> parse(String line) throws IOException {
        Map<String, String> values = new HashMap<>();
        try (var json = new JsonReader(new StringReader(line))) {
            json.beginObject();
            while (json.hasNext()) {
                values.put(json.nextName(), json.nextString());
            }
            json.endObject();
        }
        return values;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
