package dev.jshim.bridge.journal;

import dev.jshim.bridge.record.Directories;
import dev.jshim.linux.FileCalls;
import dev.jshim.node.SmallFile;
import dev.jshim.shim.keeper.FaultPoint;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * What migrations have done to a node: a {@link JournalLine} for each step, on disk before the step is taken, so that
 * whatever a crash leaves behind is known. A last line without its end was never acted on and is dropped; any other
 * damage is refused. For one thread, which holds the migration's lock.
 */
public final class Journal implements AutoCloseable {
    /** Some ten thousand containers. Whoever reads it may have little memory: a shim does when a container restarts. */
    private static final int MAX_BYTES = 16 << 20;

    private static final String WAY_OUT = "; nothing was changed. If another jshim wrote it, use that one."
            + " Otherwise run apply, rescue or rollback with --rebuild-journal, which sets this file aside and rebuilds it from"
            + " the bundles on the node";

    private static final FileAttribute<?> PRIVATE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

    private final Path file;
    private final FileChannel channel;

    /** The checksum of the last line. */
    private String sum;

    private Journal(Path file, FileChannel channel, String sum) {
        this.file = file;
        this.channel = channel;
        this.sum = sum;
    }

    /**
     * What is in a journal.
     *
     * @param length bytes up to the end of its last whole line
     * @param sum the checksum of that line; empty where there is none
     */
    private record Content(List<JournalEntry> entries, int length, String sum) {
        Content {
            entries = List.copyOf(entries);
        }
    }

    /** Where the journal of a containerd with this root lies. */
    public static Path file(Path root) {
        return root.resolve("jshim").resolve("journal");
    }

    /**
     * Opens a journal, and begins one where there is none.
     *
     * @throws IOException also for a damaged one; the message names the line and what to do
     */
    public static Journal open(Path file) throws IOException {
        var content = content(file);
        var channel = FileChannel.open(file, Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE), PRIVATE);
        var journal = new Journal(file, channel, content.sum());
        try {
            channel.truncate(content.length());
            channel.position(channel.size());
            if (channel.size() == 0) {
                journal.write(JournalLine.header());
                FaultPoint.at("journal-begun");
                Directories.syncParent(file);
            }
            return journal;
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    /**
     * The entries of a journal, none where there is no such file.
     *
     * @throws IOException for one that is damaged or cannot be read; the message names the line and what to do
     */
    public static List<JournalEntry> read(Path file) throws IOException {
        return content(file).entries();
    }

    /** The entries before the damage; none of a file that is no journal at all. */
    public static List<JournalEntry> readable(Path damaged) {
        List<JournalEntry> entries = new ArrayList<>();
        try {
            var _ = content(damaged, entries);
        } catch (IOException e) {
            // What was read up to there is good: each line's checksum covers those before.
        }
        return entries;
    }

    private static Content content(Path file) throws IOException {
        return content(file, new ArrayList<>());
    }

    private static Content content(Path file, List<JournalEntry> entries) throws IOException {
        var bytes = bytes(file);
        var start = 0;
        var sum = "";
        for (int end = lineEnd(bytes, 0), number = 1; end >= 0; end = lineEnd(bytes, start), number++) {
            try {
                var line = text(bytes, start, end);
                if (number == 1) {
                    JournalLine.checkHeader(line);
                } else {
                    entries.add(JournalLine.entry(line, sum));
                }
                sum = JournalLine.sumOf(line);
            } catch (IOException e) {
                throw damaged(file, "damaged in line " + number + ": " + e.getMessage(), e);
            }
            start = end + 1;
        }
        return new Content(entries, start, sum);
    }

    private static byte[] bytes(Path file) throws IOException {
        try {
            var bytes = SmallFile.bytes(file, MAX_BYTES);
            if (bytes != null && !isOurs(file)) {
                throw new IOException("others may write it, but it names programs that root runs");
            }
            return bytes == null ? new byte[0] : bytes;
        } catch (IOException e) {
            throw damaged(file, "damaged: " + e.getMessage(), e);
        }
    }

    /** In a folder that nobody else can enter any mode will do. */
    private static boolean isOurs(Path file) throws IOException {
        var real = file.toRealPath();
        var folder = real.getParent();
        return FileCalls.isClosed(real)
                || (folder != null
                        && FileCalls.isClosed(folder)
                        && Files.getPosixFilePermissions(folder).equals(PosixFilePermissions.fromString("rwx------")));
    }

    private static IOException damaged(Path file, String how, IOException cause) {
        return new IOException("the journal " + file + " is " + how + WAY_OUT, cause);
    }

    private static int lineEnd(byte[] bytes, int from) {
        for (var i = from; i < bytes.length; i++) {
            if (bytes[i] == '\n') {
                return i;
            }
        }
        return -1;
    }

    /** Strictly: bytes that are no text must not become one that passes for another. */
    private static String text(byte[] bytes, int start, int end) throws IOException {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes, start, end - start))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new IOException("it is no text", e);
        }
    }

    /** Whether there is something in its place that cannot be read as a journal. */
    public static boolean isDamaged(Path file) {
        try {
            var _ = read(file);
            return false;
        } catch (IOException e) {
            return Files.exists(file, LinkOption.NOFOLLOW_LINKS);
        }
    }

    /**
     * Puts a new journal in the place of a damaged one, which is kept. Whoever is killed in the middle leaves the
     * damaged one in its place, and so does a full disk. What is no file, a link or a folder, cannot have two names: a
     * kill at that very moment leaves it aside, and none in its place.
     *
     * @param damaged what {@link #isDamaged} says so of
     * @return where it is now
     */
    public static Path replace(Path damaged, List<JournalEntry> entries) throws IOException {
        var fresh = damaged.resolveSibling("journal.new");
        Files.deleteIfExists(fresh);
        try (var journal = open(fresh)) {
            for (var entry : entries) {
                journal.add(entry);
            }
        } catch (IOException e) {
            Files.deleteIfExists(fresh);
            throw e;
        }
        var aside = damaged.resolveSibling("journal.damaged");
        for (var i = 1; Files.exists(aside, LinkOption.NOFOLLOW_LINKS); i++) {
            aside = damaged.resolveSibling("journal.damaged." + i);
        }
        if (Files.isRegularFile(damaged, LinkOption.NOFOLLOW_LINKS)) {
            Files.createLink(aside, damaged);
        } else {
            Files.move(damaged, aside);
        }
        FaultPoint.at("journal-aside");
        Files.move(fresh, damaged, StandardCopyOption.ATOMIC_MOVE);
        Directories.syncParent(damaged);
        return aside;
    }

    /** Adds an entry; it is on disk when this returns. Where it cannot be written the journal is as it was before. */
    public void add(JournalEntry entry) throws IOException {
        write(JournalLine.of(entry, sum));
    }

    private void write(String line) throws IOException {
        FaultPoint.at("journal-before");
        var start = channel.position();
        try {
            // Strictly: a text that cannot be read again is not written.
            var bytes = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(line + "\n"));
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
        sum = JournalLine.sumOf(line);
        FaultPoint.at("journal-forced");
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
