package dev.jshim.bridge.migrate;

import dev.jshim.bridge.DirectorySync;
import dev.jshim.bridge.migrate.TomlStatement.Kind;
import dev.jshim.node.NodePaths;
import dev.jshim.node.SmallFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The v1 runtime in a containerd's config.toml, of version 1, 2 or 3: the plugin's own table, which 2.x drops, and
 * handlers whose {@code runtime_type} it is, with their options. Changes whole statements, so that comments, order and
 * all else stay byte for byte; and what comes out is parsed and compared with what should ({@link ConfigCheck}): a file
 * that says it in a way that cannot be edited so is refused.
 *
 * @param before the text of the file
 * @param after what it would be without the v1 runtime
 * @param diff what goes and what comes, each line with a minus or a plus before it
 */
record OldConfig(String before, String after, List<String> diff) {
    static final String NEW_RUNTIME = "io.containerd.runc.v2";
    /** Options of the v1 runtime, and what they are called in those of runc's v2 shim; one that it has not goes. */
    static final Map<String, String> OPTIONS = Map.of("Runtime", "BinaryName", "RuntimeRoot", "Root", "CriuPath", "");

    private static final int MAX_BYTES = 512 << 10;
    private static final String BACKUP = ".jshim-backup";
    private static final String TYPE = "runtime_type";

    OldConfig {
        diff = List.copyOf(diff);
    }

    /**
     * Reads a file.
     *
     * @throws IOException also where it cannot be understood, or not be edited; the message says what to do by hand
     */
    static OldConfig read(Path file) throws IOException {
        var bytes = SmallFile.bytes(file, MAX_BYTES);
        if (bytes == null) {
            throw new NoSuchFileException(file.toString());
        }
        try {
            return of(StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString());
        } catch (IllegalArgumentException e) {
            throw refused(file, String.valueOf(e.getMessage()), e);
        } catch (CharacterCodingException e) {
            throw refused(file, "it is no text in UTF-8", e);
        }
    }

    private static IOException refused(Path file, String why, Exception e) {
        return new IOException(
                file + " cannot be edited: " + why + "; nothing was changed. Take the v1 runtime out of it by hand (the"
                        + " table of the plugin " + NodePaths.V1_RUNTIME + ", in version 1 plugins.linux; "
                        + NEW_RUNTIME + " for " + TYPE + "), and run finish without --edit-config",
                e);
    }

    /**
     * Reads a file's text.
     *
     * @throws IllegalArgumentException where it cannot be understood, or not be edited
     */
    static OldConfig of(String text) {
        var check = ConfigCheck.of(text);
        var statements = TomlScanner.scan(text);
        var handlers = v1Handlers(statements);
        var after = new StringBuilder();
        List<String> diff = new ArrayList<>();
        List<String> table = List.of();
        for (var statement : statements) {
            if (statement.kind() == Kind.HEADER) {
                table = statement.key();
            }
            var edited = edited(statement, table, handlers);
            if (!edited.equals(statement.text())) {
                statement.text().lines().forEach(line -> diff.add("-" + line));
                edited.lines().forEach(line -> diff.add("+" + line));
            }
            after.append(edited);
        }
        check.requireEdited(after.toString());
        return new OldConfig(text, after.toString(), diff);
    }

    /** A statement as it is to be; empty where it goes. */
    private static String edited(TomlStatement statement, List<String> table, Set<List<String>> handlers) {
        if (statement.kind() == Kind.NOTHING) {
            return statement.text();
        }
        var key = whole(statement, table);
        if (isPlugin(key)) {
            return "";
        }
        if (isV1Type(statement)) {
            var quote = statement.valueText().substring(0, 1);
            return statement.with(statement.value(), quote + NEW_RUNTIME + quote);
        }
        var option = statement.kind() == Kind.ENTRY ? OPTIONS.get(key.getLast()) : null;
        if (option == null || !handlers.contains(key.subList(0, key.size() - 1))) {
            return statement.text();
        }
        return option.isEmpty() ? "" : statement.with(statement.lastKey(), option);
    }

    private static List<String> whole(TomlStatement statement, List<String> table) {
        List<String> whole = new ArrayList<>(statement.kind() == Kind.ENTRY ? table : List.of());
        whole.addAll(statement.key());
        return whole;
    }

    /** The tables of options of the handlers whose runtime is v1. */
    private static Set<List<String>> v1Handlers(List<TomlStatement> statements) {
        Set<List<String>> handlers = new HashSet<>();
        List<String> table = List.of();
        for (var statement : statements) {
            if (statement.kind() == Kind.HEADER) {
                table = statement.key();
            } else if (isV1Type(statement)) {
                var options = whole(statement, table);
                options.set(options.size() - 1, "options");
                handlers.add(options);
            }
        }
        return handlers;
    }

    private static boolean isV1Type(TomlStatement statement) {
        var value = statement.valueText();
        return statement.kind() == Kind.ENTRY
                && statement.key().getLast().equals(TYPE)
                && (value.equals("\"" + NodePaths.V1_RUNTIME + "\"") || value.equals("'" + NodePaths.V1_RUNTIME + "'"));
    }

    /** {@code plugins.linux} in version 1; by its whole name later; and what is in it. */
    private static boolean isPlugin(List<String> key) {
        return key.size() > 1 && key.getFirst().equals("plugins") && isPlugin(key.get(1));
    }

    /** Whether a plugin's name is one of the v1 runtime's two. */
    static boolean isPlugin(String name) {
        return name.equals("linux") || name.equals(NodePaths.V1_RUNTIME);
    }

    boolean isChanged() {
        return !before.equals(after);
    }

    /**
     * Writes it in the place of the old one, in one step, on disk when this returns.
     *
     * @return where the old one is now
     * @throws IOException also where there is a backup already: nothing was changed then, and nothing is left behind
     */
    Path write(Path file) throws IOException {
        var real = file.toRealPath();
        var backup = real.resolveSibling(real.getFileName() + BACKUP);
        // One of the same text is that of an edit that was interrupted.
        if (Files.exists(backup) && !Files.readString(backup).equals(before)) {
            throw new IOException(backup + " is there already: move it away first; " + file + " was not changed");
        }
        var part = real.resolveSibling(real.getFileName() + ".jshim-part");
        var old = real.resolveSibling(real.getFileName() + BACKUP + "-part");
        try {
            copy(real, old, before);
            copy(real, part, after);
            Files.move(old, backup, StandardCopyOption.ATOMIC_MOVE);
            Files.move(part, real, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            Files.deleteIfExists(old);
            Files.deleteIfExists(part);
            throw new IOException(file + " was not changed: " + Reason.of(e), e);
        }
        DirectorySync.parent(real);
        return backup;
    }

    /** A file with the mode and the owner of another. */
    private static void copy(Path like, Path file, String text) throws IOException {
        Files.copy(like, file, StandardCopyOption.COPY_ATTRIBUTES, StandardCopyOption.REPLACE_EXISTING);
        Files.writeString(
                file, text, StandardCharsets.UTF_8, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING);
        try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
    }
}
