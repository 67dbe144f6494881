package dev.jshim.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Programs that note the command lines they are called with, in one file. All are made at once, before anything else
 * runs: a child that another thread forks at that moment holds a file open for writing, which then cannot be executed.
 *
 * @param notes a line for each call, after each word a byte of 037
 * @param runc calls runc then
 * @param withoutCheckpoint calls runc, but for a checkpoint, which it lets succeed
 * @param nothing only fails
 */
record RawRecorder(Path notes, Path runc, Path withoutCheckpoint, Path nothing) {
    /** Makes them in a folder, for the shim of one namespace. */
    static RawRecorder make(Path folder, String namespace) {
        Path notes = folder.resolve("calls-" + namespace);
        write(notes, "");
        return new RawRecorder(
                notes,
                program(folder.resolve("recorder-" + namespace), notes, "exec runc \"$@\""),
                program(
                        folder.resolve("no-checkpoint-" + namespace),
                        notes,
                        "case \"$*\" in *\" checkpoint \"*) exit 0 ;; esac; exec runc \"$@\""),
                program(folder.resolve("nothing-" + namespace), notes, "exit 1"));
    }

    private static Path program(Path file, Path notes, String rest) {
        write(file, """
                #!/bin/sh
                { printf '%%s\\037' "$@"; echo; } >>%s
                %s
                """.formatted(notes, rest));
        if (!file.toFile().setExecutable(true)) {
            throw new IllegalStateException(file.toString());
        }
        return file;
    }

    private static void write(Path file, String text) {
        try {
            Files.writeString(file, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Every call so far. */
    List<String> calls() {
        try {
            return Files.readAllLines(notes, StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
