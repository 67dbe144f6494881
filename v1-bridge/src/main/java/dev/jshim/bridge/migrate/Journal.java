package dev.jshim.bridge.migrate;

import dev.jshim.bridge.DirectorySync;
import dev.jshim.bridge.FaultPoint;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What migrations have done to a node: a {@link JournalLine} for each step, on disk before the step is taken, so that
 * whatever a crash leaves behind is known. A last line without its end was never acted on and is dropped; any other
 * damage is refused. For one thread, which holds the migration's lock.
 */
final class Journal implements AutoCloseable {
    private static final String WAY_OUT = "; nothing was changed. If the jshim that wrote it is at hand, use that one."
            + " Else repeat the command with --rebuild-journal: it puts this file aside and goes by the bundles on the"
            + " node, each of which says whether it was added";

    private final Path file;
    private final FileChannel channel;

    private Journal(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /**
     * Opens a journal, and begins one where there is none.
     *
     * @throws IOException also for a damaged one; the message names the line and what to do
     */
    static Journal open(Path file) throws IOException {
        var _ = read(file);
        var channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        var journal = new Journal(file, channel);
        try {
            channel.truncate(wholeLines(file));
            channel.position(channel.size());
            if (channel.size() == 0) {
                journal.write(JournalLine.header());
                FaultPoint.at("journal-begun");
                DirectorySync.parent(file);
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
        // Not readString: it throws at what is no UTF-8, and damage is to be named by its line.
        var text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
        var lines = text.substring(0, text.lastIndexOf('\n') + 1).lines().toList();
        for (var i = 0; i < lines.size(); i++) {
            try {
                if (i == 0) {
                    JournalLine.checkHeader(lines.get(i));
                } else {
                    entries.add(JournalLine.entry(lines.get(i)));
                }
            } catch (IOException e) {
                throw new IOException(
                        "the journal " + file + " is damaged in line " + (i + 1) + ": " + e.getMessage() + WAY_OUT, e);
            }
        }
        return entries;
    }

    /**
     * Puts a journal that cannot be read aside, where it is kept.
     *
     * @return its new place; null where there was none, or it can be read
     */
    static @Nullable Path putAside(Path file) throws IOException {
        if (!Files.exists(file)) {
            return null;
        }
        try {
            var _ = read(file);
            return null;
        } catch (IOException damaged) {
            var aside = file.resolveSibling("journal.damaged");
            for (var i = 1; Files.exists(aside); i++) {
                aside = file.resolveSibling("journal.damaged." + i);
            }
            Files.move(file, aside);
            DirectorySync.parent(file);
            return aside;
        }
    }

    /** Adds an entry; it is on disk when this returns. Where it cannot be written the journal is as it was before. */
    void add(JournalEntry entry) throws IOException {
        write(JournalLine.of(entry));
    }

    private void write(String line) throws IOException {
        FaultPoint.at("journal-before");
        var start = channel.position();
        var bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
        try {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            FaultPoint.at("journal-written");
            channel.force(true);
        } catch (IOException e) {
            // A full disk takes a part of a line: what is written next must not come after it.
            channel.truncate(start);
            channel.position(start);
            throw new IOException("the journal " + file + " cannot be written: " + e.getMessage(), e);
        }
        FaultPoint.at("journal-forced");
    }

    private static long wholeLines(Path file) throws IOException {
        var bytes = Files.readAllBytes(file);
        var end = bytes.length;
        while (end > 0 && bytes[end - 1] != '\n') {
            end--;
        }
        return end;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
